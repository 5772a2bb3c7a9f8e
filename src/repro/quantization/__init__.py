"""Weights and caches in few bits: formats, what rounding loses, and the cost of unpacking."""
