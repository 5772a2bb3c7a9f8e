"""Bytes of one optimiser step: what is stored of the model, what learning keeps, and the peak."""

from __future__ import annotations

from dataclasses import dataclass

from repro.floor.measurement import Numbers, measurement
from repro.models.decoder import Decoder

BASES = ("nf4", "random nf4", "bfloat16", "")
PRECISIONS = ("bfloat16", "float32")


@dataclass(frozen=True)
class OneStep:
    """A model with random weights that takes one step of AdamW on random tokens, after another such step.

    Fields: `base` of the frozen matrices: nf4 (quantised), random nf4 (codes drawn at random, for models too large to
    quantise), bfloat16, or none, where every weight is trained; `rank` of adapters on all of the layers' matrices;
    `trained` the precision of what is trained, of its gradients and its moments; `tokens` of the one sequence; `again`
    computes each layer again in the backward pass; `keeps` lets the backward pass keep the weights that were unpacked.

    Raises:
        ValueError: a choice that there is not, or a rank that does not go with the base.
    """

    shape: Decoder
    base: str = "nf4"
    rank: int = 4
    trained: str = "bfloat16"
    tokens: int = 128
    again: bool = True
    keeps: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.base not in BASES or self.trained not in PRECISIONS:
            raise ValueError(f"{self.base!r}, {self.trained!r}; expected one of {BASES} and one of {PRECISIONS}")
        if bool(self.base) != (self.rank > 0) or not 1 <= self.tokens <= self.shape.context:
            raise ValueError(
                f"base {self.base!r}, rank {self.rank}, {self.tokens} tokens; adapters need a base and a rank above 0, "
                f"full training neither, and the shape has room for {self.shape.context} tokens"
            )


@measurement(version=1)
def one_step(config: OneStep, seed: int) -> Numbers:
    """Take two steps and count the bytes of the second; exact counts, so one seed is enough.

    `matrices` are the weights of the layers' matrices and `matrix_bytes` what is stored of them; `weight_bytes` are
    those and all other weights that are not trained; `trained_bytes`, `gradient_bytes` and `moment_bytes` belong to
    the `trained` numbers that learn; `alive` is in use after the step and `peak` the most during it, on a CPU by the
    allocator's own events and on a GPU by its counters (as handed out, rounded up).

    Raises:
        Diverged: the second step's loss is no finite number.
    """
    from repro.adaptation.steps import count_step  # not above: it needs torch

    return count_step(config, seed)
