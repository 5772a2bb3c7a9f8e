"""Parts of a block by hand: norms, gates, the order of sub-layers, lookups, activations and gradients."""
