"""Speculative decoding: drafts, exact and false rules, and what they save."""
