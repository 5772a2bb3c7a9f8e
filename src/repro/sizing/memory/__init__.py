"""Bytes: of weights in each format, of caches, of optimiser states, of activations."""
