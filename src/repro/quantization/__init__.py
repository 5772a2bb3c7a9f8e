"""Weights and caches in few bits: formats, what rounding loses, what it costs to unpack."""
