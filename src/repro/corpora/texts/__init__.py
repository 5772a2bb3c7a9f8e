"""Training texts: made, cut into tokens, packed."""
