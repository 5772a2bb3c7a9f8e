"""Sizing: what a formula and a configuration file settle, without running anything.

`families.architecture` reads a `config.json`, `published` holds those of known models. From an architecture follow
`parameters`, `flops`, `cache`, `precision` (weights), `activations` and `adapters`, and `report` joins them. `states`,
`cost`, `chinchilla`, `speculation`, `experts`, `roofline` and `diffusion` need numbers alone; so do the `calculators`,
which are those of the book's pages.
"""
