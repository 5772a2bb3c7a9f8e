"""Laws fitted to training runs: the loss surface, its compute-optimal frontier, and what they advise.

`surface` is Approach 3 of Hoffmann et al. 2022, `isoflop` Approach 2, `envelope` Approach 1; `huber`, `newton`,
`starts` and `resamples` are how Approach 3 is computed; `planted` makes runs whose truth is known.
"""
