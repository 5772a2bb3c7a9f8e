"""Near copies found by sketches: MinHash, its bands, SimHash, and how far each can be trusted."""
