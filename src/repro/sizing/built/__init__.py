"""Models that no formula of ours counts: built by `transformers` without memory, and read off layer by layer."""
