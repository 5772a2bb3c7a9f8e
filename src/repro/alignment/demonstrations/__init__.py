"""Supervised fine-tuning: which tokens are learned from, and what demonstrations teach."""
