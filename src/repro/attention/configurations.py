"""What trials of attention are of: arms of a decoding step, whole passes, groupings, latents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from repro.models.counting import matrix_parameters, with_equal_parameters
from repro.models.decoder import Decoder
from repro.sizing.memory.precision import DTYPE_BITS

CACHES = ("static", "concatenated")
OWN = ("matmul", "enable_gqa", "packed")  # kernels that read each shared number once
# Largest distance of an arm's logits from those of the first with its heads, over their length. Measured: 0.15 in bf16
# through 24 layers, 1e-5 in float32; at least 0.8 where query heads read another head than their own.
ROUNDING = {"float32": 1e-3, "bfloat16": 0.4}


@dataclass(frozen=True, kw_only=True)
class Absorption:
    """One layer of latent attention with random numbers in float64.

    Fields: `decoupled` gives positions a rotary key of their own beside the latent; without it the keys made from the
    latents are rotated themselves, which is the planted fault.
    """

    heads: int = 16
    rank: int = 64
    plain: int = 32
    rotary: int = 16
    width: int = 128
    tokens: int = 48
    decoupled: bool = True


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to decode.

    Fields: `kernel` one of ours (`kernels.KERNELS`), or transformers for its Llama, which chooses by itself; `cache`
    static (allocated once) or concatenated (copied into new memory at each step; transformers' DynamicCache); `twin`
    counts repetitions of one arm, whose ratio is the noise floor.
    """

    kv_heads: int
    kernel: str = "matmul"
    cache: str = "static"
    twin: int = 0

    def __post_init__(self) -> None:
        if self.cache not in CACHES:
            raise ValueError(f"cache is {self.cache!r}; expected one of {', '.join(CACHES)}")


@dataclass(frozen=True, kw_only=True)
class DecodeSteps:
    """Steps that write the last token of a context and read all of it.

    Fields: `shape` the decoder with a key-value head for each query head, whose `context` is read; `batch` sequences;
    `stream_bytes` of the array that is summed to see how fast the device reads.
    """

    shape: Decoder
    batch: int
    arms: tuple[Arm, ...]
    rounds: int = 7
    dtype: str = "float32"
    device: str = "cpu"
    stream_bytes: int = 2**28

    def __post_init__(self) -> None:
        if self.dtype not in ROUNDING:
            raise ValueError(f"dtype is {self.dtype!r}; expected one of {', '.join(ROUNDING)}")


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """A decoder whose query heads are grouped in every way that divides them.

    Fields: `kernel` the grouped kernel under test; `batch` random sequences as long as the context.
    """

    shape: Decoder
    kernel: str = "matmul"
    batch: int = 2


@dataclass(frozen=True, kw_only=True)
class AttentionPass:
    """A causal attention layer, projections included, over sequences as long as the context of `shape`.

    Fields: `kv_heads` and `kernels` are timed in every combination.
    """

    shape: Decoder
    kv_heads: tuple[int, ...]
    kernels: tuple[str, ...] = ("enable_gqa", "repeated")
    batch: int = 1
    rounds: int = 5
    dtype: str = "float32"
    device: str = "cpu"


def sharing(shape: Decoder, kv_heads: int) -> Decoder:
    """The decoder with fewer key-value heads and, nearly, as many parameters, so that the cache alone differs.

    Its feed-forward part keeps a width that is a multiple of 8: others are read more slowly, on a GPU above all.
    """
    wider = with_equal_parameters(shape, kv_heads)
    return replace(wider, hidden=8 * round(wider.feed_forward_width / 8))


def step_weight_bytes(shape: Decoder, itemsize: int) -> int:
    """Bytes of all matrices that a step multiplies by; the embedding's rows that it looks up are left out."""
    return matrix_parameters(shape) * itemsize


def all_arms(heads: int, kv_heads: Sequence[int], judged: int) -> tuple[Arm, ...]:
    """Arms of every kernel and number of key-value heads; of repeated heads for `judged`; two twins; grown caches.

    Where no head is shared, packing and repeating would be the fused kernel again.
    """
    arms = [
        Arm(kv_heads=number, kernel=kernel)
        for number in kv_heads
        for kernel in OWN
        if number != heads or kernel != "packed"
    ]
    twins = [Arm(kv_heads=number, twin=1) for number in (heads, judged)]
    grown = [Arm(kv_heads=number, cache="concatenated") for number in (heads, judged)]
    return (*arms, Arm(kv_heads=judged, kernel="repeated"), *twins, *grown)


def transformers_arms(heads: int, judged: int) -> tuple[Arm, ...]:
    """Arms of transformers' Llama: either cache, all heads and `judged`; ours, whose logits must agree."""
    theirs = [
        Arm(kv_heads=number, kernel="transformers", cache=cache)
        for number in (heads, judged)
        for cache in ("static", "concatenated")
    ]
    return (*theirs, Arm(kv_heads=heads), Arm(kv_heads=judged))


def affordable(cells: Iterable[DecodeSteps], gigabytes: float) -> list[DecodeSteps]:
    """The cells whose cache, with a key-value head for each query head, holds at most so many GB."""
    return [cell for cell in cells if _cache_bytes(cell) <= gigabytes * 1e9]


def _cache_bytes(cell: DecodeSteps) -> float:
    shape = cell.shape
    pairs = cell.batch * shape.context * shape.layers * shape.key_value_heads
    return 2 * pairs * shape.head_width * DTYPE_BITS[cell.dtype] / 8
