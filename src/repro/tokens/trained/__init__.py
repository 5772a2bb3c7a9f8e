"""Tokenisers of growing size and models trained on what they make: lengths, rows, losses, numbers, and a swap."""
