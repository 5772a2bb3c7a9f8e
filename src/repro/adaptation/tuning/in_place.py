"""Adapters beside the matrices of a decoder, and the same decoder with each adapter folded into its matrix.

Legend: T time, V vocabulary, O outputs and I inputs of a matrix, R rank.
"""

from __future__ import annotations

import copy

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
        nn.init.normal_(thin_matrices(layer)[1], std=config.shape.width**-0.5)
    learnt = model(tokens_BT)

    def apart(other: Tensor) -> float:
        return float((other - learnt).abs().max() / learnt.abs().max())

    return {
        "fresh": fresh,
        "moved": apart(before),
        "scaled": apart(with_folded(model, config.alpha / config.rank)(tokens_BT)),
        "unscaled": apart(with_folded(model, 1.0)(tokens_BT)),
        "library": apart(by_library(model)(tokens_BT)),
    }


def adapted(model: nn.Module) -> list[LoraLayer]:
    """The layers of a model that have an adapter."""
    return [part for part in model.modules() if isinstance(part, LoraLayer)]


def thin_matrices(layer: LoraLayer) -> tuple[Tensor, Tensor]:
    """A (R, I) and B (O, R) of the adapter of a layer."""
    down, up = (torch.as_tensor(part[NAME].weight) for part in (layer.lora_A, layer.lora_B))
    return down, up


def with_folded(model: nn.Module, factor: float) -> nn.Module:
    """A copy in which each matrix W (O, I) is W + factor B A, and no adapter is left."""
    twin = copy.deepcopy(model)
    for layer in adapted(twin):
        down, up = thin_matrices(layer)
        torch.as_tensor(layer.get_base_layer().weight).add_(factor * (up @ down))
        nn.init.zeros_(up)
    return twin


def by_library(model: nn.Module) -> nn.Module:
    """A copy whose adapters peft itself has merged."""
    twin = copy.deepcopy(model)
    for layer in adapted(twin):
        layer.merge()
    return twin
