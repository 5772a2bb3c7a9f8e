"""What a Transformer is made of, as far as counting needs to know: its weight matrices and how often each is used.

Every count of this room (parameters, operations, adapters, caches, activations) is a sum over these matrices.
Widths are numbers of features, windows and positions numbers of tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from repro.sizing.models.matrices import Latent, Matrix
from repro.sizing.models.parts import Maps, Mixer


@dataclass(frozen=True)
class Attention:
    """One layer's attention.

    key_width, value_width: features of one head's query or key, and of its value. window: tokens that a query sees,
    None for all. biased: the projections with a bias, of "query key value output". fused: query, key and value are
    one matrix. norm_parameters: of norms inside (of heads, of latents).
    """

    width: int
    heads: int
    kv_heads: int
    key_width: int
    value_width: int
    window: int | None = None
    biased: str = ""
    fused: bool = False
    latent: Latent | None = None
    norm_parameters: int = 0

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """The projections, named query, key, value and output unless fused or latent."""
        biased = self.biased.split()
        output = Matrix("output", self.heads * self.value_width, self.width, "output" in biased)
        if self.latent:
            return (*self._latent_matrices(self.latent), output)
        sizes = {
            "query": self.heads * self.key_width,
            "key": self.kv_heads * self.key_width,
            "value": self.kv_heads * self.value_width,
        }
        if self.fused:
            return (Matrix("query_key_value", self.width, sum(sizes.values()), "query" in biased), output)
        return (*(Matrix(name, self.width, size, name in biased) for name, size in sizes.items()), output)

    def _latent_matrices(self, latent: Latent) -> tuple[Matrix, ...]:
        queries = self.heads * self.key_width
        plain = self.key_width - latent.rope_width  # the part of a key that comes out of the latent
        down = "down" in self.biased.split()
        query: tuple[Matrix, ...] = (Matrix("query", self.width, queries),)
        if latent.query_rank:
            query = (
                Matrix("query_down", self.width, latent.query_rank, down),
                Matrix("query_up", latent.query_rank, queries),
            )
        return (
            *query,
            Matrix("kv_down", self.width, latent.kv_rank + latent.rope_width, down),
            Matrix("kv_up", latent.kv_rank, self.heads * (plain + self.value_width)),
        )

    def regrouped(self, kv_heads: int) -> Attention | None:
        """The same with other numbers of key-value heads; None where that cannot be."""
        return None if self.latent or self.heads % kv_heads else replace(self, kv_heads=kv_heads)

    @property
    def cached_width(self) -> int:
        """Numbers that must be kept of each past token: keys and values, or the latent and its rotary key."""
        if self.latent:
            return self.latent.kv_rank + self.latent.rope_width
        return self.kv_heads * (self.key_width + self.value_width)


@dataclass(frozen=True)
class FeedForward:
    """A dense feed-forward block; gated ones have a third matrix. fused: gate and up are one matrix."""

    width: int
    hidden: int
    gated: bool
    bias: bool = False
    fused: bool = False

    @property
    def used_hidden(self) -> int:
        """Hidden features of one token."""
        return self.hidden

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """Named gate, up and down; gate_up if fused."""
        up: tuple[Matrix, ...] = (Matrix("up", self.width, self.hidden, self.bias),)
        if self.gated and self.fused:
            up = (Matrix("gate_up", self.width, 2 * self.hidden, self.bias),)
        elif self.gated:
            up = (Matrix("gate", self.width, self.hidden, self.bias), *up)
        return (*up, Matrix("down", self.hidden, self.width, self.bias))


@dataclass(frozen=True)
class Experts:
    """A mixture of gated feed-forward experts, of which a router gives each token a few.

    shared_hidden: hidden width of the experts that every token takes, together; 0 for none.
    """

    width: int
    hidden: int
    experts: int
    active: int
    shared_hidden: int = 0

    def __post_init__(self) -> None:
        if self.active > self.experts:
            raise ValueError(f"a token goes through {self.active} experts, and there are {self.experts}")

    @property
    def used_hidden(self) -> int:
        """Hidden features of one token, over all experts that it goes through."""
        return self.active * self.hidden + self.shared_hidden

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """The router, the routed experts and the shared ones."""
        one = FeedForward(self.width, self.hidden, gated=True)
        routed = tuple(
            Matrix(f"expert_{matrix.name}", matrix.inputs, matrix.outputs, copies=self.experts, used=self.active)
            for matrix in one.matrices
        )
        return (Matrix("router", self.width, self.experts), *routed, *self._shared_matrices())

    def _shared_matrices(self) -> tuple[Matrix, ...]:
        if not self.shared_hidden:
            return ()
        shared = FeedForward(self.width, self.shared_hidden, gated=True)
        return tuple(Matrix(f"shared_{matrix.name}", matrix.inputs, matrix.outputs) for matrix in shared.matrices)


@dataclass(frozen=True)
class Layer:
    """One block.

    norms: how many it has on its own width; norm_bias: whether they have a bias beside their scale (LayerNorm), or
    none (RMSNorm). crossed: a decoder's attention to the encoder, if any. other_parameters: convolutions, rates and
    what else is no matrix. state: numbers that a recurrence keeps of a sequence, however long it is.
    """

    attention: Attention | Mixer
    feed_forward: FeedForward | Experts | Maps
    norms: int = 2
    norm_bias: bool = False
    crossed: Attention | Mixer | None = None
    other_parameters: int = 0
    state: int = 0

    @property
    def norm_parameters(self) -> int:
        """Of the block's norms and those inside its attentions."""
        inner = sum(part.norm_parameters for part in self.attentions)
        return self.norms * (1 + self.norm_bias) * self.attention.width + inner

    @property
    def attentions(self) -> tuple[Attention | Mixer, ...]:
        """Self-attention, then cross-attention where there is one."""
        return (self.attention, self.crossed) if self.crossed else (self.attention,)

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """All linear maps of the block."""
        attention = tuple(matrix for part in self.attentions for matrix in part.matrices)
        return (*attention, *self.feed_forward.matrices)


@dataclass(frozen=True)
class Architecture:
    """A whole model.

    layers: of the decoder, or of an encoder that stands alone (causal False). encoder: the layers of an
    encoder-decoder's encoder. head: the map to the vocabulary, None for a bare encoder; tied if it is the embedding.
    pooler: a bare encoder's last map. position_parameters: learned positions, segments, relative biases.
    embedding_width: of the embedding's rows, where they are not as wide as the model; else 0.
    norm_parameters: of the norms outside layers. positions: the longest context it is published for, if stated.
    other_parameters: outside layers, of none of these kinds. beside: parameters by name of what a model has beside its
    language model, such as a part that reads images. uncached: why what it keeps of a token is not
    known; empty if it is.
    """

    name: str
    family: str
    width: int
    vocabulary: int
    layers: tuple[Layer, ...]
    norm_parameters: int
    encoder: tuple[Layer, ...] = ()
    causal: bool = True
    head: Matrix | None = None
    tied: bool = False
    pooler: Matrix | None = None
    position_parameters: int = 0
    positions: int | None = None
    other_parameters: int = 0
    beside: tuple[tuple[str, int], ...] = ()
    uncached: str = ""
    embedding_width: int = 0

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The encoder's layers, then the decoder's."""
        return (*self.encoder, *self.layers)

    def with_kv_heads(self, kv_heads: int) -> Architecture:
        """The same decoder with other numbers of key-value heads: as many as query heads, a few, or one.

        Raises:
            ValueError: they do not divide a layer's query heads, or a layer keeps latents, or its projections cannot
                be told apart.
        """
        return replace(self, layers=tuple(self._regrouped(layer, kv_heads) for layer in self.layers))

    @property
    def heads(self) -> tuple[int, int]:
        """Query and key-value heads of the first layer that has any.

        Raises:
            ValueError: none has.
        """
        found = (layer.attention for layer in self.layers if layer.attention.kv_heads)
        attention = next(found, None)
        if attention is None:
            raise ValueError(f"no layer of {self.name} looks back at other tokens through heads")
        return attention.heads, attention.kv_heads

    def _regrouped(self, layer: Layer, kv_heads: int) -> Layer:
        attention = layer.attention
        if not attention.kv_heads:
            return layer  # it looks back at no token, or through another layer's keys and values
        grouped = attention.regrouped(kv_heads)
        if grouped is None:
            raise ValueError(
                f"{self.name} has layers whose {attention.heads} heads do not share {kv_heads} keys and values: give a "
                "divisor, and a model that keeps no latents"
            )
        return replace(layer, attention=grouped)
