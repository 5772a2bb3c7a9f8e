"""What a machine, a hurried user or a hostile file does to the product, and what must be true afterwards."""
