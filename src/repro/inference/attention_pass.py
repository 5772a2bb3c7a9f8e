"""The time of one attention layer over a whole sequence, by key-value heads, as in reading a prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from repro.floor.measurement import Numbers, measurement
from repro.models.decoder import Decoder


@dataclass(frozen=True)
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


@measurement(version=1, alone=True)
def attention_pass(config: AttentionPass, seed: int) -> Numbers:
    """Time the forward pass of the layer, every combination in turn.

    Lists run over the combinations of `heads` and `kernel`: `milliseconds` of a pass, the median over the rounds. The
    seed draws the numbers and the order of each round.

    Raises:
        ValueError: the device is not here.
    """
    import torch

    from repro.inference.kernels import KERNELS
    from repro.inference.turns import milliseconds, on_one_thread, take_turns
    from repro.models.transformer import Attention

    shape, dtype = config.shape, getattr(torch, config.dtype)
    torch.manual_seed(seed)
    x_BTW = torch.randn(config.batch, shape.context, shape.width, device=config.device, dtype=dtype)
    layers = []
    for number, kernel in (pairs := list(product(config.kv_heads, config.kernels))):
        layer = Attention(replace(shape, kv_heads=number), 0).to(config.device, dtype)
        layer.mix = KERNELS[kernel]
        layers.append(layer)
    runs = [partial(layer, x_BTW, None, None) for layer in layers]
    with on_one_thread(config.device), torch.inference_mode():
        for run in runs:
            run()
        seconds = take_turns(runs, rounds=config.rounds, seed=seed, device=config.device)
    return {
        "heads": [number for number, _ in pairs],
        "kernel": [kernel for _, kernel in pairs],
        "milliseconds": milliseconds(seconds),
    }
