"""Arms on a language whose sentences can be listed, so that every figure is a sum."""
