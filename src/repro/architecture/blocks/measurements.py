"""What is measured of the parts of a block; exact up to rounding."""

from __future__ import annotations

from repro.architecture.blocks.configurations import Across, Derivatives, Gate, Hidden, Lookup, Norms, Stack, SubLayers
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def norm_identities(config: Norms, seed: int) -> Numbers:
    """Largest differences between norms of the same vectors.

    `torch` of RMSNorm written out from torch's own; `centred` of RMSNorm on vectors whose mean was taken from
    LayerNorm; `uncentred` of the two on vectors with a mean; `rms_moved` and `layer_moved` of each when all numbers
    grow by the same.
    """
    from repro.architecture.blocks.parts import norms

    return norms(config, seed)


@measurement(version=1)
def gated_part(config: Gate, seed: int) -> Numbers:
    """Largest `difference` of SwiGLU as written from the part of `transformers`' Llama, over the largest number."""
    from repro.architecture.blocks.parts import gate

    return gate(config, seed)


@measurement(version=1)
def places_read(config: Across, seed: int) -> Numbers:
    """Largest derivative of an output by its `own` place (the least over places) and by the `others`.

    `permuted`: the largest change of an output, beside its own token's, when the places are permuted.
    """
    from repro.architecture.blocks.parts import across

    return across(config, seed)


@measurement(version=1)
def sublayer_orders(config: SubLayers, seed: int) -> Numbers:
    """How far LayerNorm(x + f(x)) is from x + f(LayerNorm(x)), relative to the latter (`apart`).

    `formula_silent` and `code_silent`: how far each moves x, relative to it, where f gives nothing.
    """
    from repro.architecture.blocks.parts import orders

    return orders(config, seed)


@measurement(version=1)
def embedding_rows(config: Lookup, seed: int) -> Numbers:
    """Largest `difference` of a lookup from the product with one-hot rows; rows with a gradient less rows looked up."""
    from repro.architecture.blocks.parts import lookup

    return lookup(config, seed)


@measurement(version=1)
def exclusive_or(config: Hidden, seed: int) -> Numbers:
    """The mean squared error (`loss`) of the best weights on the four cases, whose answers are 1 and -1.

    A linear layer's are found by least squares; ReLU's and the product's are written down.
    """
    from repro.architecture.blocks.gradients import best_loss

    return best_loss(config)


@measurement(version=1)
def one_matrix(config: Stack, seed: int) -> Numbers:
    """Largest `difference` of a stack's output from one multiplication by the product of its matrices."""
    from repro.architecture.blocks.gradients import collapsed

    return collapsed(config, seed)


@measurement(version=1)
def directional_derivatives(config: Derivatives, seed: int) -> Numbers:
    """The worst `error` of backpropagation against differences, and the `fall` of the loss by a small step down.

    An error is in units of the derivative that a random direction has on average: the norm of the gradient over the
    root of the number of parameters.
    """
    from repro.architecture.blocks.gradients import derivatives

    return derivatives(config, seed)
