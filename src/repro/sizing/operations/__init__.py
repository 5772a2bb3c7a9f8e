"""Floating-point operations, and what they take in time, money and data."""
