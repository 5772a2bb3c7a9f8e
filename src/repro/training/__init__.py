"""Training decoders from scratch: what a run is, its schedule, its data order, its loop.

`pretraining` and `schedule` need no torch, so that a run can be spelled and its record found without it.
"""
