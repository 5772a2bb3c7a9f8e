"""Domains: what a mix of them teaches, and what a model does outside of those it has read."""
