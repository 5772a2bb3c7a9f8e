"""The laws, and how each is fitted."""
