"""Altered texts: what copies, noise and poison in a training text do to a model, and whether it can be undone."""
