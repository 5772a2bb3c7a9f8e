"""Scores that a reader brings, of models trained and evaluated elsewhere."""
