"""What is measured of attention's definition and forms; all of it on random numbers, and exact up to rounding."""

from __future__ import annotations

from repro.attention.forms.configurations import Crossed, Definition, Filled, Reordered, Saturation, Seen
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def definition(config: Definition, seed: int) -> Numbers:
    """Largest `difference` of article E's pseudocode from `torch.nn.MultiheadAttention` with the same weights.

    `rows`: the largest distance from 1 of the sum of one query's weights.
    """
    from repro.attention.forms.definition import beside_torch

    return beside_torch(config, seed)


@measurement(version=1)
def saturation(config: Saturation, seed: int) -> Numbers:
    """The `deviation` of scores before the division; then, means over queries, how sharp the softmax is.

    `largest` weight, and the norm of the softmax's Jacobian (`gradient`), which is what reaches the scores.
    """
    from repro.attention.forms.definition import how_sharp

    return how_sharp(config, seed)


@measurement(version=1)
def filled_weights(config: Filled, seed: int) -> Numbers:
    """Whether the format takes the fill (1 or 0), and the weight that masked keys get.

    `hidden` is the largest weight of a masked key in a causal softmax; `none_visible` the sum of weights in a row
    whose keys are all masked, None where it is no number.
    """
    from repro.attention.forms.definition import filled

    return filled(config, seed)


@measurement(version=1)
def seen_pairs(config: Seen, seed: int) -> Numbers:
    """The share of `pairs` (output, input) whose derivative is not zero, and the largest derivative `ahead` in time."""
    from repro.attention.forms.definition import who_reads_whom

    return who_reads_whom(config, seed)


@measurement(version=1)
def cross_attention(config: Crossed, seed: int) -> Numbers:
    """The outputs' `length`; their largest change when keys and values are `permuted` together, or `keys_alone`.

    `read`: the share of the other sequence's tokens that have a gradient.
    """
    from repro.attention.forms.definition import from_another_sequence

    return from_another_sequence(config, seed)


@measurement(version=1)
def reordered_attention(config: Reordered, seed: int) -> Numbers:
    """The largest `difference` of a form from what defines it, over the largest number."""
    from repro.attention.forms.reordered import difference

    return difference(config, seed)
