"""Models of any family that `transformers` knows: whether a folder holds one, its words, and how it is run."""
