"""Arms on a given model, with given pairs and a given reward."""
