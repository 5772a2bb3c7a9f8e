"""What `one_step` does with torch."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.adaptation.configurations import OneStep
from repro.adaptation.layers import Adapted, adapted, logits
from repro.floor.measurement import Diverged, Numbers
from repro.instruments.live_bytes import Watch, stored_bytes
from repro.models.transformer import Transformer
from repro.quantization.normal_float import NormalFloat

RATE = 1e-4


def count_step(config: OneStep, seed: int) -> Numbers:
    """See `one_step.one_step`."""
    drawn = torch.Generator().manual_seed(seed)
    tokens = torch.randint(config.shape.vocabulary, (1, config.tokens + 1), generator=drawn).to(config.device)
    gc.collect()  # what is freed while the watch is open would be counted
    with Watch(config.device) as watch:
        model = built(config, seed)
        learns = [part for part in model.parameters() if part.requires_grad]
        optimiser = torch.optim.AdamW(learns, lr=RATE, foreach=False)  # one matrix at a time needs no second copy
        for name in ("first", "second"):
            loss = step(model, optimiser, tokens, again=config.again)
            watch.mark(name)
        stored = matrices(model)
        frozen = [part for part in model.parameters() if not part.requires_grad]
    if not math.isfinite(loss):
        raise Diverged(f"the loss of the second step is {loss}")
    phase = watch.phases["second"]
    return {
        "matrices": sum(_weights(part) for part in stored),
        "matrix_bytes": _bytes(stored),
        "weight_bytes": _bytes([*(stored if config.base else []), *frozen]),
        "trained": sum(part.numel() for part in learns),
        "trained_bytes": _bytes(learns),
        "gradient_bytes": _bytes(part.grad for part in learns),
        "moment_bytes": _bytes(_moments(optimiser)),
        "alive": phase.alive,
        "peak": phase.peak if phase.allocated is None else phase.allocated,
    }


def built(config: OneStep, seed: int) -> Transformer:
    """The model, on its device."""
    dtype = getattr(torch, config.trained)
    if config.base:
        return adapted(
            config.shape, config.base, config.rank, dtype, device=config.device, keeps=config.keeps, seed=seed
        )
    torch.manual_seed(seed)
    with torch.device(config.device):
        return Transformer(config.shape).to(dtype)


def step(model: Transformer, optimiser: torch.optim.Optimizer, tokens_BT: Tensor, *, again: bool) -> float:
    """One step, gradients left where they are; the loss in nats per token."""
    optimiser.zero_grad(set_to_none=True)
    scores = logits(model, tokens_BT[:, :-1], again=again)
    loss = F.cross_entropy(scores.flatten(0, 1).float(), tokens_BT[:, 1:].flatten())
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def matrices(model: Transformer) -> list[NormalFloat | Tensor]:
    """The layers' matrices, as they are stored."""
    parts = [part for block in model.blocks for part in block.modules()]
    frozen = [part.stored for part in parts if isinstance(part, Adapted)]
    return frozen or [part.weight for part in parts if isinstance(part, nn.Linear)]


def _weights(part: NormalFloat | Tensor) -> int:
    return part.outputs * part.inputs if isinstance(part, NormalFloat) else part.numel()


def _bytes(parts: Iterable[NormalFloat | Tensor | None]) -> int:
    """Bytes of the storages behind tensors, single numbers too; the table that all codes share is left out."""
    held = stored_bytes([part.tensors if isinstance(part, NormalFloat) else part for part in parts])
    return held.held + held.beside


def _moments(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [value for state in optimiser.state.values() for name, value in state.items() if name.startswith("exp_avg")]
