"""Languages of hidden states: altered by copies, noise and poison, mixed from dialects, or ambiguous."""
