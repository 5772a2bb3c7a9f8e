"""Sizing: what a formula and a configuration file settle, without running anything.

`families.architecture` reads a `config.json`; `published` holds those of known models. From an architecture follow
`parameters`, `flops`, `cache`, `precision` (weights), `states` and `activations` (training), `adapters`. `cost`,
`chinchilla`, `speculation`, `experts` and `roofline` need numbers alone, and `calculators` are those of the book's
pages.
"""
