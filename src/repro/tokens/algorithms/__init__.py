"""Algorithms that learn pieces and cut text into them, step by step and as other people's libraries have them."""
