"""Tokens: what tokenisers make of text, exactly and measured."""
