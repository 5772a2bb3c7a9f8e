"""Attention and its heads: kernels that must agree, what a step costs, what sharing saves."""
