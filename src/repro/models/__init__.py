"""Decoders: one transformer with its choices as configuration, counted and run.

`decoder` and `counting` need no torch, so that a configuration can be spelled and a record found without it.
"""
