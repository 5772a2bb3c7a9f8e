"""Training decoders: what a run is, its data order and loop, many runs in one program, and ladders of runs."""
