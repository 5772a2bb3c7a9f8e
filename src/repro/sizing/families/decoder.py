"""What the readers of decoder families share."""

from __future__ import annotations

from repro.sizing.models.architecture import Architecture, FeedForward, Layer
from repro.sizing.models.config import Config
from repro.sizing.models.matrices import Matrix

ALL_FOUR = "query key value output"


def decoder(
    config: Config,
    width: int,
    layers: tuple[Layer, ...],
    *,
    norm_parameters: int,
    tied: bool,
    positions: int | None,
    position_parameters: int = 0,
) -> Architecture:
    """A decoder of these layers with its two tables of the vocabulary, one if `tied`."""
    vocabulary = config.count("vocab_size")
    return Architecture(
        name=config.name,
        family=config.family,
        width=width,
        vocabulary=vocabulary,
        layers=layers,
        norm_parameters=norm_parameters,
        head=Matrix("head", width, vocabulary),
        tied=tied,
        position_parameters=position_parameters,
        positions=positions,
    )


def gated(config: Config, *, bias: bool = False, fused: bool = False) -> FeedForward:
    """The gated feed-forward block, by the field names that most families use."""
    return FeedForward(config.count("hidden_size"), config.count("intermediate_size"), True, bias, fused)
