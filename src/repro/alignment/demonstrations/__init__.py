"""Supervised fine-tuning: which tokens are learned from, what demonstrations teach."""
