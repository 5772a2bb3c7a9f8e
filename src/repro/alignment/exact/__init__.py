"""Policies over a list of answers, where every expectation is a sum."""
