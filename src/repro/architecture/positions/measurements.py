"""What is measured of encodings of position; all of it in double precision on random numbers."""

from __future__ import annotations

from repro.architecture.positions.configurations import Biases, Forms, Permuted, Placed, PositionTable, Rotations
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def rotated_scores(config: Rotations, seed: int) -> Numbers:
    """`spread`, the largest minus the smallest score at one offset over all places, at the worst offset.

    `deviation` is the standard deviation of all scores. Where the score depends on the offset alone, the spread is
    rounding. Source: Su et al. 2021 (arXiv:2104.09864), eq. 16.
    """
    from repro.architecture.positions.rotations import spread_of_scores

    return spread_of_scores(config, seed)


@measurement(version=1)
def rotation_forms(config: Forms, seed: int) -> Numbers:
    """Largest differences: of the complex form from 2 x 2 blocks (`forms`), and of Llama's layout from both.

    `reordered` is Llama's, whose pairs lie half a head apart, after the fixed reordering; `mistaken` is what a score
    changes by if that layout is read without it; `length` is the largest relative change of a vector's length.
    """
    from repro.architecture.positions.rotations import differences_of_forms

    return differences_of_forms(config, seed)


@measurement(version=1)
def linear_biases(config: Biases, seed: int) -> Numbers:
    """`difference` of the biases from -2^(-8h/H) (i - j), and `published` of the slopes from the authors' code."""
    from repro.architecture.positions.places import biases

    return biases(config)


@measurement(version=1)
def moved_states(config: Placed, seed: int) -> Numbers:
    """Largest changes of a state: when all tokens move (`moved`) and when the encoding is taken away (`read`).

    `added` is the change of the stream that enters the first layer when the encoding is taken away; `parameters` are
    those that the encoding brings.
    """
    from repro.architecture.positions.places import moved

    return moved(config, seed)


@measurement(version=1)
def permuted_states(config: Permuted, seed: int) -> Numbers:
    """Largest changes when the tokens before the last are permuted: of the `last` state, and of `all`.

    States are compared token by token, not place by place.
    """
    from repro.architecture.positions.places import permuted

    return permuted(config, seed)


@measurement(version=1)
def lengths_refused(config: PositionTable, seed: int) -> Numbers:
    """For each length, whether the model refuses it for want of a position vector (1) or reads it (0)."""
    from repro.architecture.positions.places import lengths_taken

    return lengths_taken(config)
