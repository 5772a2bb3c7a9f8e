"""Low-rank adapters: they add nothing at first, learn alone, and are as few as is said."""

import pytest
import torch

from repro.alignment.adapters import share_learning
from repro.alignment.arms import learner
from repro.alignment.frontier import Stage
from repro.alignment.replies import Descent
from repro.models.transformer import Transformer

SHAPE = Stage(width=32, layers=2).shape
TOKENS = torch.arange(8)[None]


def test_adapters_change_nothing_until_they_learn_and_then_nothing_else_has_changed():
    torch.manual_seed(0)
    reference = Transformer(SHAPE).requires_grad_(False)
    policy = learner(reference, lora=2)
    before = reference(TOKENS)
    assert torch.equal(before, policy(TOKENS))

    descent = Descent([policy], 1e-2)
    for _ in range(3):
        descent.step(policy(TOKENS).square().mean())

    after = {name.replace(".base_layer", ""): part for name, part in policy.state_dict().items()}
    assert all(torch.equal(part, after[name]) for name, part in reference.state_dict().items())
    assert not torch.allclose(before, policy(TOKENS))
    assert torch.equal(before, reference(TOKENS))


def test_adapters_have_their_rank_times_inputs_and_outputs_of_every_matrix():
    model = Transformer(SHAPE)
    sizes = [part.shape for name, part in model.named_parameters() if name.startswith("blocks") and part.ndim == 2]
    weights = sum(part.numel() for part in model.parameters())

    assert 7 * SHAPE.layers == len(sizes)
    assert 3 * sum(map(sum, sizes)) / weights == pytest.approx(share_learning(SHAPE, 3))
