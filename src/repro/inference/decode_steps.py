"""The time of one decoding step, by key-value heads, attention kernel and cache, all timed in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.floor.measurement import Numbers, measurement
from repro.models.counting import matrix_parameters, with_equal_parameters
from repro.models.decoder import Decoder

CACHES = ("static", "concatenated")
# Largest distance of an arm's logits from those of the first with its heads, over their length. Measured: 0.15 in bf16
# through 24 layers, 1e-5 in float32; at least 0.8 where query heads read another head than their own.
ROUNDING = {"float32": 1e-3, "bfloat16": 0.4}


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@measurement(version=1, alone=True)
def decode_steps(config: DecodeSteps, seed: int) -> Numbers:
    """Time every arm in turn, together with a plain read of memory.

    Lists run over the arms: `milliseconds` of a step (the median over the rounds), `cache_bytes` and `weight_bytes`
    read in it. `gigabytes_per_second` is the plain read's. The seed draws weights, past tokens and the order of each
    round. On a GPU a step of ours with a static cache runs as a CUDA graph; one that allocates its cache anew cannot.

    Raises:
        ValueError: the device is not here.
        RuntimeError: two arms with equal heads give different logits.
    """
    import torch

    from repro.inference.decoding import prepared_arms, refuse_unequal, stream
    from repro.inference.turns import milliseconds, on_one_thread, take_turns

    with on_one_thread(config.device), torch.inference_mode():
        arms = prepared_arms(config, seed)
        refuse_unequal(arms, ROUNDING[config.dtype])
        read, runs = stream(config), [arm.run for arm in arms]
        seconds = take_turns([*runs, read], rounds=config.rounds, seed=seed, device=config.device)
    *steps, reading = milliseconds(seconds)
    return {
        "milliseconds": steps,
        "cache_bytes": [arm.cache_bytes for arm in arms],
        "weight_bytes": [arm.weight_bytes for arm in arms],
        "gigabytes_per_second": config.stream_bytes / reading / 1e6,
    }


def sharing(shape: Decoder, kv_heads: int) -> Decoder:
    """The decoder with fewer key-value heads and, nearly, as many parameters, so that the cache alone differs.

    Its feed-forward part keeps a width that is a multiple of 8: others are read more slowly, on a GPU above all.
    """
    wider = with_equal_parameters(shape, kv_heads)
    return replace(wider, hidden=8 * round(wider.feed_forward_width / 8))


def step_weight_bytes(shape: Decoder, itemsize: int) -> int:
    """Bytes of all matrices that a step multiplies by; the embedding's rows that it looks up are left out."""
    return matrix_parameters(shape) * itemsize
