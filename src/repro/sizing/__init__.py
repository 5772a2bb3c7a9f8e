"""Sizing: what a formula and a configuration file settle, without running anything.

`families` reads a `config.json` into one of the `models`, `published` holds those of known models; `memory`,
`operations` and `adapters` count over an architecture, and `report` joins the counts. The other modules need numbers
alone, and so do the `calculators`, which are those of the book's pages. Notebooks import from `counts`.
"""
