"""What a configuration file says of a model, layer by layer, and its parameters counted."""
