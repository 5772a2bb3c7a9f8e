"""One optimiser step as a trial: the model, what is frozen and what is trained."""

from __future__ import annotations

from dataclasses import dataclass

from repro.floor.identity import renamed
from repro.models.decoder import Decoder

BASES = ("nf4", "random nf4", "bfloat16", "")
PRECISIONS = ("bfloat16", "float32")


@dataclass(frozen=True, kw_only=True)
class OneStep:
    """A model with random weights that takes one step of AdamW on random tokens, after another such step.

    Fields: `base` of the frozen matrices: nf4 (quantised), random nf4 (codes drawn at random, for models too large to
    quantise), bfloat16, or none, where every weight is trained; `rank` of adapters on all of the layers' matrices;
    `trained` the precision of what is trained, of its gradients and its moments; `tokens` of the one sequence;
    `recomputed` whether the backward pass computes each layer once more instead of keeping its activations; `keeps`
    whether the backward pass keeps the weights that were unpacked.

    Raises:
        ValueError: a choice that there is not, or a rank that does not go with the base.
    """

    shape: Decoder
    base: str = "nf4"
    rank: int = 4
    trained: str = "bfloat16"
    tokens: int = 128
    recomputed: bool = renamed(True, spelled="again")
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
