"""Abilities of models, trained here or by others: tasks with exact answers, their metrics, and how scores grow."""
