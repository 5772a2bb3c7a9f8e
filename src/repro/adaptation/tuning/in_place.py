"""Adapters beside the matrices of a decoder, and the same decoder with each adapter folded into its matrix.

Legend: T time, V vocabulary, O outputs and I inputs of a matrix, R rank.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from repro.adaptation.tuning.configurations import InPlace
from repro.models.adapters import add_adapters
from repro.models.transformer import Transformer

NAME = "default"  # of the adapter, as peft has it


@torch.no_grad()
def folded(config: InPlace, seed: int) -> dict[str, float]:
    """The numbers of `adapters_folded`."""
    torch.manual_seed(seed)
    base = Transformer(config.shape).double().requires_grad_(False)
    tokens_BT = torch.randint(config.shape.vocabulary, (4, config.shape.context))
    before = base(tokens_BT)
    model = add_adapters(copy.deepcopy(base), config.rank, scale=config.alpha).double()
    fresh = float((model(tokens_BT) - before).abs().max())
    for layer in adapted(model):  # as if they had learnt, so that there is something to fold
        nn.init.normal_(layer.lora_B[NAME].weight, std=config.shape.width**-0.5)
    learnt = model(tokens_BT)

    def apart(other: Tensor) -> float:
        return float((other - learnt).abs().max() / learnt.abs().max())

    return {
        "fresh": fresh,
        "moved": apart(before),
        "scaled": apart(with_folded(model, lambda layer: config.alpha / config.rank)(tokens_BT)),
        "unscaled": apart(with_folded(model, lambda layer: 1.0)(tokens_BT)),
        "library": apart(by_library(model)(tokens_BT)),
    }


def adapted(model: nn.Module) -> list[LoraLayer]:
    """The layers of a model that have an adapter."""
    return [part for part in model.modules() if isinstance(part, LoraLayer)]


def with_folded(model: nn.Module, factor: Callable[[LoraLayer], float]) -> nn.Module:
    """A copy in which each matrix W (O, I) is W + factor B A, B (O, R) and A (R, I), and no adapter is left."""
    twin = copy.deepcopy(model)
    for layer in adapted(twin):
        down, up = layer.lora_A[NAME].weight, layer.lora_B[NAME].weight
        layer.get_base_layer().weight.data += factor(layer) * up @ down
        nn.init.zeros_(up)
    return twin


def by_library(model: nn.Module) -> nn.Module:
    """A copy whose adapters peft itself has merged."""
    twin = copy.deepcopy(model)
    for layer in adapted(twin):
        layer.merge()  # type: ignore[operator]
    return twin
