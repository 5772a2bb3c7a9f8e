"""Laws fitted to training runs: the loss surface, its compute-optimal frontier, and what they advise.

`laws` are fitted to `runs`; `approaches` are the three of Hoffmann et al. 2022 and `questions` what a fit is asked.
`report` is what `repro fit` shows, and `bench` times the fit against scipy.
"""
