"""The linear maps that a model is made of, and the ranks of those that go through a latent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Matrix:
    """A linear map from `inputs` to `outputs` features.

    copies: how many of them the layer holds. used: how many of these a token goes through.
    """

    name: str
    inputs: int
    outputs: int
    bias: bool = False
    copies: int = 1
    used: int = 1

    @property
    def parameters(self) -> int:
        """Weights and biases of all copies."""
        return self.copies * (self.inputs + self.bias) * self.outputs

    @property
    def used_parameters(self) -> int:
        """Weights and biases of the copies that a token goes through."""
        return self.used * (self.inputs + self.bias) * self.outputs


@dataclass(frozen=True)
class Latent:
    """Low-rank queries, keys and values of multi-head latent attention; query_rank 0 is a full query projection.

    Source: DeepSeek-AI 2024 (arXiv:2405.04434), section 2.1.
    """

    query_rank: int
    kv_rank: int
    rope_width: int
