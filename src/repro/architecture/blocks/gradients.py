"""What a hidden layer can represent with and without an activation, and whether backpropagation gives the gradient.

C the four cases of exclusive or, W width, P parameters.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from repro.architecture.blocks.configurations import Derivatives, Hidden, Stack
from repro.models.decoder import Decoder
from repro.models.transformer import Attention, Transformer

CASES = ((-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0))
ANSWERS = (-1.0, 1.0, 1.0, -1.0)


def best_loss(config: Hidden) -> dict[str, float]:
    """The numbers of `exclusive_or`."""
    first_C, second_C = torch.tensor(CASES, dtype=torch.float64).unbind(-1)
    answers_C = torch.tensor(ANSWERS, dtype=torch.float64)
    if config.unit == "linear":  # no matrices do better than one that least squares find
        inputs_C3 = torch.stack([first_C, second_C, torch.ones_like(first_C)], -1)
        read_C = inputs_C3 @ torch.linalg.lstsq(inputs_C3, answers_C[:, None]).solution[:, 0]
    elif config.unit == "relu":
        read_C = (first_C - second_C).relu() + (second_C - first_C).relu() - 1
    else:
        read_C = -first_C * second_C
    return {"loss": float((read_C - answers_C).square().mean())}


def collapsed(config: Stack, seed: int) -> dict[str, float]:
    """The numbers of `one_matrix`."""
    generator = torch.Generator().manual_seed(seed)
    size = (config.layers, config.width, config.width)
    matrices = (torch.randn(size, dtype=torch.float64, generator=generator) / config.width**0.5).unbind(0)
    x_NW = torch.randn(50, config.width, dtype=torch.float64, generator=generator)
    read_NW = x_NW
    for matrix_WW in matrices:
        read_NW = read_NW @ matrix_WW
        if config.activated:
            read_NW = read_NW.relu()
    product_WW = functools.reduce(torch.matmul, matrices)
    return {"difference": float((read_NW - x_NW @ product_WW).abs().max())}


def derivatives(config: Derivatives, seed: int) -> dict[str, float]:
    """The numbers of `directional_derivatives`."""
    torch.manual_seed(seed)
    model = Transformer(Decoder(vocabulary=16, width=16, layers=2, heads=2, context=12)).double()
    tokens_BT = torch.randint(16, (2, 12))
    start_P = parameters_to_vector(model.parameters()).detach()
    if config.detached:
        for part in model.modules():
            if isinstance(part, Attention):
                part.value.register_forward_hook(lambda part, inputs, output: output.detach())
    gradient_P = parameters_to_vector(
        torch.autograd.grad(
            _loss(model, tokens_BT), list(model.parameters()), allow_unused=True, materialize_grads=True
        )
    )

    def loss_at(parameters_P: Tensor) -> float:
        vector_to_parameters(parameters_P, model.parameters())
        with torch.no_grad():
            return float(_loss(model, tokens_BT))

    errors = []
    for _ in range(config.directions):
        step_P = config.step * F.normalize(torch.randn_like(start_P), dim=0)
        found = (loss_at(start_P + step_P) - loss_at(start_P - step_P)) / 2
        told = float(gradient_P @ step_P)
        errors.append(abs(found - told) / (config.step * float(gradient_P.norm()) / len(start_P) ** 0.5))
    down_P = start_P - 1e-3 * gradient_P
    return {"error": max(errors), "fall": loss_at(start_P) - loss_at(down_P)}


def _loss(model: Transformer, tokens_BT: Tensor) -> Tensor:
    """Nats per next token."""
    return F.cross_entropy(model(tokens_BT[:, :-1]).flatten(0, 1), tokens_BT[:, 1:].flatten())
