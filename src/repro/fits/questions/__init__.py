"""What the laws are asked."""
