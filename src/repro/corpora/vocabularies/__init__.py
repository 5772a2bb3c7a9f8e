"""Vocabularies: published ones by sha256, small ones of ours, a reader's own; what each makes of a text."""
