"""A reader's own model, pairs and judge."""
