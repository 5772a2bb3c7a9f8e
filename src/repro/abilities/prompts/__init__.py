"""What a prompt changes in a trained model: the order of examples, calls of tools, orders within data, suffixes."""
