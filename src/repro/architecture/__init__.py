"""The transformer block: what its parts do, exactly and measured."""
