"""How many parameters a model has, by kind, and how many of them one token uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from repro.sizing.models.architecture import Architecture
from repro.sizing.models.matrices import Matrix


@dataclass(frozen=True)
class Parameters:
    """Numbers of parameters by kind; they add up to `total`.

    head: of a map to the vocabulary that is not the embedding itself. experts: routed and shared. idle: those of
    `experts` that a token does not go through. positions: learned positions, segments, relative biases. other:
    convolutions and what else is no matrix. beside: of parts beside the language model.
    """

    embedding: int
    positions: int
    attention: int
    feed_forward: int
    experts: int
    router: int
    norms: int
    head: int
    pooler: int
    other: int
    beside: int
    idle: int

    @property
    def total(self) -> int:
        """All parameters, a tied matrix counted once."""
        return sum(self.by_kind().values())

    @property
    def language(self) -> int:
        """Parameters of the language model alone: all, but for what reads images or sounds beside it."""
        return self.total - self.beside

    @property
    def active(self) -> int:
        """Parameters of the language model that one token uses, both tables of the vocabulary included."""
        return self.language - self.idle

    @property
    def inside(self) -> int:
        """Parameters of the layers alone: neither tables of the vocabulary nor positions (Kaplan et al. 2020's N)."""
        return self.attention + self.feed_forward + self.experts + self.router + self.norms

    @property
    def feed_forward_share(self) -> float:
        """Share of dense and expert feed-forward blocks in the total."""
        return (self.feed_forward + self.experts) / self.total

    def by_kind(self) -> dict[str, int]:
        """Every kind but the idle ones, which are counted in `experts`."""
        counts = dataclasses.asdict(self)
        del counts["idle"]
        return counts


def count_parameters(model: Architecture) -> Parameters:
    """The parameters of an architecture, as `transformers` builds it."""
    layers = model.all_layers
    maps = [matrix for layer in layers for matrix in layer.feed_forward.matrices]
    routers = [matrix for matrix in maps if matrix.name == "router"]
    experts = [matrix for matrix in maps if matrix.name.startswith(("expert_", "shared_"))]
    return Parameters(
        embedding=model.vocabulary * (model.embedding_width or model.width),
        positions=model.position_parameters,
        attention=_sum(matrix for layer in layers for part in layer.attentions for matrix in part.matrices),
        feed_forward=_sum(maps) - _sum(experts) - _sum(routers),
        experts=_sum(experts),
        router=_sum(routers),
        norms=sum(layer.norm_parameters for layer in layers) + model.norm_parameters,
        head=0 if model.tied or model.head is None else model.head.parameters,
        pooler=model.pooler.parameters if model.pooler else 0,
        other=sum(layer.other_parameters for layer in layers) + model.other_parameters,
        beside=sum(number for _, number in model.beside),
        idle=sum(matrix.parameters - matrix.used_parameters for matrix in maps),
    )


def expert_parameters(model: Architecture) -> tuple[int, int]:
    """Parameters of all routed experts, and of those that one token goes through; (0, 0) for a dense model."""
    routed = [matrix for layer in model.all_layers for matrix in layer.matrices if matrix.name.startswith("expert_")]
    return _sum(routed), sum(matrix.used_parameters for matrix in routed)


def _sum(matrices: Iterable[Matrix]) -> int:
    return sum(matrix.parameters for matrix in matrices)
