"""Positions: where a transformer's order comes from, by the formulas of each encoding and by whole decoders."""
