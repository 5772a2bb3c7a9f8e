"""Forms of attention: its definition, masks and scale, and the same sum in tiles, reordered, recurrent or sparse."""
