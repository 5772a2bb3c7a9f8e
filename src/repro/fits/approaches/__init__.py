"""The three approaches to the compute-optimal frontier."""
