"""The configuration of a decoder-only transformer: every choice is a field."""

from __future__ import annotations

from dataclasses import dataclass

NORMS = ("rms", "layer")
NORM_PLACES = ("pre", "post")
POSITIONS = ("rope", "learned", "sinusoidal", "alibi", "none")
ACTIVATIONS = ("silu", "gelu", "relu")


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """The shape of a decoder; at its defaults that of Llama, with the output matrix tied to the embedding.

    Fields: `heads` query heads of width / heads each; `kv_heads` key-value heads, each shared by heads / kv_heads
    query heads (None: as many as query heads); `hidden` width of the feed-forward part (None: the multiple of 8 next
    to 8/3 width if gated, else 4 width); `context` the longest sequence; `norm` root mean square or layer norm, before
    (pre) or after (post) each residual addition; `positions` rotary, learned, sinusoidal, linear biases or none;
    `gated` multiplies the activation by a second projection (Shazeer 2020, arXiv:2002.05202); `tied` uses one matrix
    for embedding and output.

    Raises:
        ValueError: widths that do not divide, or a choice that there is not.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int | None = None
    hidden: int | None = None
    context: int = 128
    norm: str = "rms"
    norm_place: str = "pre"
    positions: str = "rope"
    rope_base: float = 10_000.0
    activation: str = "silu"
    gated: bool = True
    tied: bool = True

    def __post_init__(self) -> None:
        # Resolved here, so that a choice left open and the same choice made explicitly share one record.
        if self.kv_heads is None:
            object.__setattr__(self, "kv_heads", self.heads)
        if self.hidden is None:
            object.__setattr__(self, "hidden", 8 * round(self.width / 3) if self.gated else 4 * self.width)
        for name in ("vocabulary", "width", "layers", "heads", "kv_heads", "hidden", "context"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        _refuse_other("norm", self.norm, NORMS)
        _refuse_other("norm_place", self.norm_place, NORM_PLACES)
        _refuse_other("positions", self.positions, POSITIONS)
        _refuse_other("activation", self.activation, ACTIVATIONS)
        if self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be divided among {self.heads} heads")
        if self.heads % self.key_value_heads:
            raise ValueError(f"{self.heads} query heads cannot share {self.kv_heads} key-value heads evenly")
        if self.positions == "rope" and self.head_width % 2:
            raise ValueError(f"rotary positions turn pairs of numbers; a head of width {self.head_width} is odd")

    @property
    def head_width(self) -> int:
        """Numbers in one head's query, key or value."""
        return self.width // self.heads

    @property
    def key_value_heads(self) -> int:
        """`kv_heads`, which is never None after construction."""
        assert self.kv_heads is not None
        return self.kv_heads

    @property
    def feed_forward_width(self) -> int:
        """`hidden`, which is never None after construction."""
        assert self.hidden is not None
        return self.hidden


def _refuse_other(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise ValueError(f"{name} is {given!r}; expected one of {', '.join(choices)}")
