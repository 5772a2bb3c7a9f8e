"""Abilities and how they are scored: tasks with exact answers, metrics, and how abruptly a score grows.

`tables`, `planted` and `shape` need no torch.
"""
