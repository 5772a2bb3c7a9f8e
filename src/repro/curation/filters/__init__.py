"""Filters of text: a classifier and rules, what they find, what they refuse, and what a model gains."""
