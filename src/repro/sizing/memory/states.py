"""Bytes that training keeps besides activations: weights, gradients and the optimiser's states, whole or sharded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class States:
    """Bytes per trained parameter. optimiser: Adam's two moments and, where there is one, the fp32 master copy."""

    weights: float
    gradients: float
    optimiser: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.weights + self.gradients + self.optimiser


RECIPES: dict[str, States] = {
    # Rajbhandari et al. 2019 (arXiv:1910.02054), section 3.1: 16-bit weights and gradients; fp32 master and moments
    "mixed": States(2, 2, 12),
    "fp32": States(4, 4, 8),
    # Dettmers et al. 2023 (arXiv:2305.14314), section 1: more than 780 GB for 65B parameters, 12 bytes each
    "no-master": States(2, 2, 8),
    # everything in 16 bits, as torch's AdamW does for a model cast to bf16
    "bf16": States(2, 2, 4),
    # Dettmers et al. 2021 (arXiv:2110.02861), section 2.1: 8-bit moments, one fp32 scale for each block of 256
    # in bitsandbytes
    "adam8bit": States(2, 2, 2 * (1 + 4 / 256)),
}


def recipe(name: str) -> States:
    """A recipe by its name.

    Raises:
        ValueError: no recipe has this name.
    """
    if name not in RECIPES:
        raise ValueError(f"no training recipe is named {name!r}; known are {', '.join(RECIPES)}")
    return RECIPES[name]


def full_bytes(parameters: float, states: States = RECIPES["mixed"]) -> float:
    """Bytes of all states when every parameter is trained."""
    return parameters * states.total


def adapter_bytes(
    frozen: float, trained: float, *, frozen_bits: float = 16, states: States = RECIPES["mixed"]
) -> float:
    """Bytes of a frozen base, at so many bits per weight, and of adapters with their states: LoRA, or QLoRA at 4 bits.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.2; Dettmers et al. 2023 (arXiv:2305.14314), section 3.
    """
    return frozen * frozen_bits / 8 + trained * states.total


def sharded_bytes(
    parameters: float,
    states: States = RECIPES["mixed"],
    *,
    data: int = 1,
    stage: int = 0,
    tensor: int = 1,
    pipeline: int = 1,
) -> float:
    """Bytes of states on one rank.

    Args:
        parameters: of the whole model, taken to divide evenly; what every rank holds (norms) is neglected.
        states: bytes per parameter.
        data: ranks that see different batches. By ZeRO's `stage` these share nothing (0, plain data parallelism), the
            optimiser's states (1), gradients too (2), weights too (3, also FSDP's full sharding).
        tensor: ranks that share each matrix.
        pipeline: ranks that hold different layers.

    Raises:
        ValueError: a stage that ZeRO does not have, or a number of ranks below 1.

    Source: Rajbhandari et al. 2019 (arXiv:1910.02054), figure 1; Zhao et al. 2023 (arXiv:2304.11277).
    """
    if min(tensor, pipeline) < 1:
        raise ValueError(f"tensor={tensor}, pipeline={pipeline}; each must be at least 1")
    share = shares(data, stage)
    each = share.weights * states.weights + share.gradients * states.gradients + share.optimiser * states.optimiser
    return parameters / (tensor * pipeline) * each


def shares(data: int, stage: int) -> States:
    """The share of weights, gradients and optimiser states that one of `data` ranks holds at a stage of ZeRO.

    Raises:
        ValueError: a stage that ZeRO does not have, or a number of ranks below 1.

    Source: Rajbhandari et al. 2019 (arXiv:1910.02054), section 5.
    """
    if stage not in (0, 1, 2, 3):
        raise ValueError(f"stage is {stage!r}; ZeRO has 0 (plain data parallelism), 1, 2 and 3")
    if data < 1:
        raise ValueError(f"{data} ranks; expected at least 1")
    weights, gradients, optimiser = (1 / data if stage >= first else 1.0 for first in (3, 2, 1))
    return States(weights, gradients, optimiser)


def bubble_share(stages: int, microbatches: int) -> float:
    """Share of the time that a pipeline's ranks wait: (p-1) / (m+p-1).

    Source: Huang et al. 2018 (arXiv:1811.06965), section 2.3.
    """
    return (stages - 1) / (microbatches + stages - 1)
