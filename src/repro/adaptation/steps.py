"""One optimiser step of a model with adapters, or of a whole model, and the bytes of its parts."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.adaptation.configurations import OneStep
from repro.adaptation.layers import Adapted, adapted_decoder, logits
from repro.floor.measurement import Diverged, Numbers
from repro.instruments.live_bytes import Watch, stored_bytes
from repro.models.transformer import Transformer
from repro.quantization.normal_float import NormalFloat

RATE = 1e-4


def count_step(config: OneStep, seed: int) -> Numbers:
    """The numbers of `one_step`: bytes of what is stored, of what learning keeps, and the peak of the second step."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(config.shape.vocabulary, (1, config.tokens + 1), generator=generator).to(config.device)
    with Watch(config.device) as watch:
        model = start_model(config, seed)
        trained = [part for part in model.parameters() if part.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=RATE, foreach=False)  # one matrix at a time needs no second copy
        for name in ("first", "second"):
            loss = step(model, optimiser, tokens, recomputed=config.recomputed)
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
        "trained": sum(part.numel() for part in trained),
        "trained_bytes": _bytes(trained),
        "gradient_bytes": _bytes(part.grad for part in trained),
        "moment_bytes": _bytes(_moments(optimiser)),
        "alive": phase.alive,
        "peak": phase.peak if phase.allocated is None else phase.allocated,
    }


def start_model(config: OneStep, seed: int) -> Transformer:
    """The model with random weights, on its device."""
    dtype = getattr(torch, config.trained)
    if config.base:
        return adapted_decoder(
            config.shape, config.base, config.rank, dtype, device=config.device, keeps=config.keeps, seed=seed
        )
    torch.manual_seed(seed)
    with torch.device(config.device):
        return Transformer(config.shape).to(dtype)


def step(model: Transformer, optimiser: torch.optim.Optimizer, tokens_BT: Tensor, *, recomputed: bool) -> float:
    """Take one step, leave the gradients where they are, and return the loss in nats per token."""
    optimiser.zero_grad(set_to_none=True)
    scores = logits(model, tokens_BT[:, :-1], recomputed=recomputed)
    loss = F.cross_entropy(scores.flatten(0, 1).float(), tokens_BT[:, 1:].flatten())
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def matrices(model: Transformer) -> list[NormalFloat | Tensor]:
    """The matrices of all layers, as they are stored."""
    parts = [part for block in model.blocks for part in block.modules()]
    frozen = [part.stored for part in parts if isinstance(part, Adapted)]
    return frozen or [part.weight for part in parts if isinstance(part, nn.Linear)]


def _weights(part: NormalFloat | Tensor) -> int:
    return part.outputs * part.inputs if isinstance(part, NormalFloat) else part.numel()


def _bytes(parts: Iterable[NormalFloat | Tensor | None]) -> int:
    """Bytes of the storages behind tensors, single numbers too; the table that all codes share is left out."""
    storages = stored_bytes([part.tensors if isinstance(part, NormalFloat) else part for part in parts])
    return storages.held + storages.beside


def _moments(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [value for state in optimiser.state.values() for name, value in state.items() if name.startswith("exp_avg")]
