"""Requests that share a memory: blocks and runs, a trace replayed, a decoder that serves it."""
