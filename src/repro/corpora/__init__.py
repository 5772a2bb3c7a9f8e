"""Corpora: text and tables by name and sha256, never by path."""
