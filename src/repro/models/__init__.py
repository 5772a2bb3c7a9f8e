"""Decoders: one transformer with its choices as a configuration, counted, cached, converted, and models of readers."""
