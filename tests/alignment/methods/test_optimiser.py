"""How all arms learn: each example in its turn, and never on from a loss that is no number."""

import math

import pytest
import torch

from repro.alignment.methods.optimiser import WarmAdam, batches, steps_down
from repro.floor.measurement import Diverged
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

EXAMPLES = torch.arange(8).reshape(4, 2) % 5


def test_each_epoch_reads_every_example_once_and_its_rest_opens_the_next():
    order = torch.cat(list(batches(5, 2, 5, torch.Generator().manual_seed(0))))

    assert [list(range(5))] * 2 == [sorted(epoch.tolist()) for epoch in order.split(5)]


def test_a_loss_that_is_no_number_is_a_divergence():
    with pytest.raises(Diverged, match="the loss is nan"):
        WarmAdam([torch.nn.Linear(1, 1)], 1e-3).step(torch.tensor(math.nan))


def decoder() -> Transformer:
    torch.manual_seed(0)
    return Transformer(Decoder(vocabulary=5, width=16, layers=1, heads=1, context=2))


def test_a_step_down_a_loss_is_a_step_of_adam_and_diverges_likewise():
    one, other = decoder(), decoder()
    step, optimiser = steps_down([one], 1e-2, lambda tokens: one(tokens).square().mean()), WarmAdam([other], 1e-2)
    for number in range(15):
        step(EXAMPLES[number % 4 :])
        optimiser.step(other(EXAMPLES[number % 4 :]).square().mean())

    assert all(torch.equal(*pair) for pair in zip(one.parameters(), other.parameters(), strict=True))
    with pytest.raises(Diverged, match="the loss is inf"):
        steps_down([one], 1e-2, lambda tokens: one(tokens).square().mean() * math.inf)(EXAMPLES)


def test_on_a_gpu_a_step_is_a_graph_once_the_rate_is_constant(gpu):
    """Its losses are those of the CPU, and each step is taken once."""
    losses = {}
    for device in ("cpu", "cuda"):
        model = decoder().to(device)
        step = steps_down([model], 1e-2, lambda tokens, model=model: model(tokens).square().mean())
        losses[device] = []
        for number in range(16):
            step(EXAMPLES.roll(number, 0)[:3].to(device))
            losses[device].append(model(EXAMPLES.to(device)).square().mean().item())

    assert 6 == gpu.graph_replays
    assert losses["cpu"] == pytest.approx(losses["cuda"], rel=1e-5)


def test_on_a_gpu_a_graph_s_loss_that_is_no_number_is_a_divergence(gpu):
    model, weight = decoder().to("cuda"), torch.ones((), device="cuda")
    step = steps_down([model], 1e-2, lambda tokens: model(tokens).square().mean() * weight)
    for _ in range(12):
        step(EXAMPLES.to("cuda"))

    with pytest.raises(Diverged, match="the loss is nan"):
        weight.fill_(math.nan), step(EXAMPLES.to("cuda"))


def test_a_library_s_model_learns_without_graphs(gpu):
    model = torch.nn.Linear(2, 1).to("cuda")
    step = steps_down([model], 1e-2, lambda inputs: model(inputs).square().mean())
    for _ in range(12):
        step(torch.ones(3, 2, device="cuda"))

    assert 0 == gpu.graph_replays
