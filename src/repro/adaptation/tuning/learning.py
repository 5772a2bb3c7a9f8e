"""Fine-tuning itself: a decoder tuned and read at each look; and towards an update that was planted.

Legend: B windows, T time, V vocabulary.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from repro.adaptation.tuning.configurations import PlantedUpdate, Tuning
from repro.alignment.methods.optimiser import steps_down
from repro.models.adapters import MATRICES, add_adapters
from repro.models.transformer import Transformer
from repro.quantization.normal_float import quantised

Batch = tuple[Tensor, ...]  # (B, T) each: inputs and targets, or tokens alone
Loss = Callable[..., Tensor]
TESTED = 4_096  # tokens of which a loss is read, and as many that choose


def tuned_to_update(config: PlantedUpdate, seed: int) -> dict[str, float | list[float]]:
    """The numbers of `planted_update_left`: KL from the updated model to the tuned one, at each look."""
    torch.manual_seed(seed)
    start = Transformer(config.shape).requires_grad_(False)
    model, teacher = learner(start, config.tuning.rank, "", seed), updated(start, config.planted, config.size, seed)
    generator = torch.Generator().manual_seed(seed)

    def divergence(tokens_BT: Tensor) -> Tensor:
        with torch.no_grad():
            law_BTV = torch.log_softmax(teacher(tokens_BT), dim=-1)
        mine_BTV = torch.log_softmax(model(tokens_BT), dim=-1)
        return (law_BTV.exp() * (law_BTV - mine_BTV)).sum(dim=-1).mean()

    def draw(lines: int) -> Batch:
        return (torch.randint(config.shape.vocabulary, (lines, config.shape.context), generator=generator),)

    parts = {name: draw(TESTED // config.shape.context) for name in ("validation", "left")}
    return losses_at_looks(model, divergence, lambda number: draw(config.tuning.lines), parts, config.tuning)


def learner(start: Transformer, rank: int, base: str, seed: int) -> nn.Module:
    """A copy that learns by adapters of a rank, or whole; a base of "nf4" is rounded first."""
    model = copy.deepcopy(start)
    if base:
        for matrix in matrices(model):
            matrix.weight.data.copy_(quantised(matrix.weight).dense(matrix.weight.dtype))
    torch.manual_seed(seed)  # adapters
    return add_adapters(model, rank) if rank else model.requires_grad_(True)


def updated(start: Transformer, rank: int, size: float, seed: int) -> Transformer:
    """A copy whose layers' matrices have each a random update of a rank, its norm a share of the matrix's."""
    model, generator = copy.deepcopy(start).requires_grad_(False), torch.Generator().manual_seed(seed)
    for matrix in matrices(model):
        outputs, inputs = matrix.weight.shape
        left, right = (torch.randn(number, rank, generator=generator) for number in (outputs, inputs))
        update = (left @ right.T).to(matrix.weight.device)
        matrix.weight.data += size * matrix.weight.norm() / update.norm() * update
    return model


def matrices(model: nn.Module) -> list[nn.Linear]:
    """The matrices of a decoder's layers, those that adapters stand beside."""
    return [
        part for name, part in model.named_modules() if isinstance(part, nn.Linear) and re.fullmatch(MATRICES, name)
    ]


def losses_at_looks(
    model: nn.Module, loss: Loss, batch: Callable[[int], Batch], read: dict[str, Batch], tuning: Tuning
) -> dict[str, float | list[float]]:
    """Tune a model in place, and give its loss on each of some parts at each look, the untuned one's first.

    Raises:
        Diverged: a loss that is no number.
    """
    step = steps_down([model], tuning.learning_rate, loss)
    lists: dict[str, list[float]] = {name: [] for name in read}
    for number in range(tuning.looks[-1] + 1):
        if number in (0, *tuning.looks):
            with torch.no_grad():
                for name, part in read.items():
                    lists[name].append(float(loss(*part)))
        if number < tuning.looks[-1]:
            step(*batch(number))
    return dict(lists)
