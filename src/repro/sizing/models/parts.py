"""Parts of a layer that were read off a built model: their matrices are given, where a family's formula derives them.

They stand where `Attention` and `FeedForward` or `Experts` stand, and are counted like them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.sizing.models.matrices import Latent, Matrix


@dataclass(frozen=True)
class Mixer:
    """What a layer does between tokens: attention of any kind, a recurrence, a convolution, or nothing.

    heads, kv_heads, key_width, value_width: 0 where no token looks at another. window: tokens that a query sees, None
    for all. cached_width: numbers kept of each past token.
    """

    width: int
    matrices: tuple[Matrix, ...]
    heads: int = 0
    kv_heads: int = 0
    key_width: int = 0
    value_width: int = 0
    window: int | None = None
    cached_width: int = 0
    norm_parameters: int = 0
    latent: Latent | None = None

    def regrouped(self, kv_heads: int) -> Mixer | None:
        """The same with other numbers of key-value heads; None where that cannot be, or no map to them is known."""
        if self.latent or self.heads % kv_heads:
            return None
        more = kv_heads - self.kv_heads
        one, every = self.key_width + self.value_width, self.heads * self.key_width
        added = {  # rows by where they are added, for maps apart and for one that makes all three
            ("k_proj", self.kv_heads * self.key_width): more * self.key_width,
            ("v_proj", self.kv_heads * self.value_width): more * self.value_width,
            (None, every + self.kv_heads * one): more * one,
        }
        rows = [added.get((m.name, m.outputs), added.get((None, m.outputs), 0)) for m in self.matrices]
        if sum(rows) != more * one:
            return None
        grown = (replace(m, outputs=m.outputs + n) for m, n in zip(self.matrices, rows, strict=True))
        return replace(self, kv_heads=kv_heads, cached_width=kv_heads * one, matrices=tuple(grown))


@dataclass(frozen=True)
class Maps:
    """What a layer does to each token alone: dense maps, or a router and its experts, some of them shared.

    experts, active: routed ones, and those of a token; 0 where all maps are dense.
    """

    width: int
    matrices: tuple[Matrix, ...]
    experts: int = 0
    active: int = 0

    @property
    def used_hidden(self) -> int:
        """Hidden features of one token, over all maps back to the model's width that it goes through."""
        return sum(matrix.used * matrix.inputs for matrix in self.matrices if matrix.outputs == self.width)

    @property
    def hidden(self) -> int:
        """The same, by the name that a dense block has for it."""
        return self.used_hidden

    @property
    def gated(self) -> bool:
        """Whether some map into the hidden features is a gate."""
        return any("gate" in matrix.name or matrix.name.endswith(("w1", "w3")) for matrix in self.matrices)
