"""The three approaches of Hoffmann et al. 2022 to the compute-optimal frontier, and what is measured by them."""
