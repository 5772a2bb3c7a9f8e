"""Low-rank adapters: they add nothing at first, learn alone, and are as few as is said."""

import torch

from repro.adaptation.estimates import sized
from repro.alignment.methods.arms import learner
from repro.alignment.methods.replies import Descent
from repro.alignment.reviews.configurations import Stage
from repro.models.transformer import Transformer
from repro.sizing.adapters import count_lora, linear_names

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


def test_adapters_have_the_weights_that_the_calculator_counts():
    policy = learner(Transformer(SHAPE), lora=3)
    whole = sized(SHAPE)

    assert count_lora(whole, 3, linear_names(whole)) == sum(
        part.numel() for part in policy.parameters() if part.requires_grad
    )
