"""A language whose sentences can be listed."""
