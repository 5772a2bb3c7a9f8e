"""The laws of objectives, each beside a false rival that it must catch."""

from functools import cache

import numpy as np
import pytest
import torch

from repro.models.decoder import Decoder
from repro.models.transformer import Transformer
from repro.training.objectives.coding import decoded, encoded, merging_costs
from repro.training.objectives.configurations import Losses, Sight, Vocabulary
from repro.training.objectives.estimates import least_seen, marks_of, most_seen
from repro.training.objectives.fitting import let_see
from repro.training.objectives.laws import after_steps, dependence, law_of, library_loss, one_loss

LOSSES = Losses(shape=Decoder(vocabulary=16, width=16, layers=1, heads=2, context=12))


@cache
def table(prefix: int) -> list[float]:
    """Derivatives of logits by tokens; not at import: an imitated GPU must see the first backward pass."""
    return dependence(Sight(prefix=prefix), 0).ravel().tolist()


def left(prefix: int) -> float:
    """The largest derivative by a token to the right."""
    return most_seen([table(prefix)], lambda row, column: column > row)


def inside(prefix: int) -> float:
    """The least derivative by a token of a prefix of three."""
    return least_seen([table(prefix)], lambda row, column: column < 3)


def after(prefix: int) -> float:
    """The largest derivative by a later token that is to the right."""
    return most_seen([table(prefix)], lambda row, column: (column > row) & (column >= 3))


def test_a_causal_model_sees_nothing_to_its_right_and_one_without_a_mask_does():
    assert 0 == left(0) < 0.01 < left(8)


def test_a_prefix_is_seen_by_all_and_the_rest_by_later_tokens_alone():
    """A causal mask fails the first part, none the second."""
    assert inside(3) > 1e-6 and after(3) == 0
    assert inside(0) == 0 and after(8) > 0.01


def test_a_mark_stands_where_something_depends():
    assert ["■■■·····", "■■■■····"] == marks_of(table(3))[2:4]


def test_one_model_goes_from_encoder_to_decoder():
    model, tokens = Transformer(Sight().shape), torch.arange(8)[None]

    assert not torch.allclose(let_see(model, 0)(tokens), let_see(model, 8)(tokens))


def test_the_mean_is_not_the_sum_and_the_divergence_is():
    found = one_loss(LOSSES, 0)

    assert found["entropy"] < 1e-12 and found["divergence"] < 1e-12 and found["mean"] > 0.01
    assert 1.0 == found["reached"]


def test_raising_the_loss_makes_it_worse_and_lowering_it_better():
    assert after_steps(LOSSES, 0, 1) > 1 and after_steps(LOSSES, 0, -1) < -1


def test_labels_that_are_moved_twice_are_another_task():
    (same, ours), (moved, _) = library_loss(0, 0), library_loss(1, 0)

    assert same == pytest.approx(ours, abs=1e-6)
    assert abs(moved - ours) > 1e-4


def test_half_precision_leaves_words_at_zero():
    assert law_of(Vocabulary(precision="float32"), 0)["least"] > 1e-30
    assert 0 == law_of(Vocabulary(precision="float16"), 0)["least"]


def test_a_coder_needs_the_bits_of_its_law_and_a_code_of_whole_bits_more():
    law = np.array([0.9, 0.05, 0.03, 0.02])
    tokens = np.random.default_rng(0).choice(4, size=4_000, p=law)
    code, ideal = encoded(tokens, lambda past: law), -np.log2(law[tokens]).sum() / 8

    assert np.array_equal(tokens, decoded(code, len(tokens), lambda past: law))
    assert len(code) / ideal < 1.01
    assert np.ceil(-np.log2(law[tokens])).sum() / 8 / ideal > 1.05
    assert not np.array_equal(tokens, decoded(code, len(tokens), lambda past: law[::-1]))


@pytest.mark.parametrize("seed", range(20))
def test_every_short_text_is_read_back(seed: int):
    """The end of a code is where a coder errs."""
    rng = np.random.default_rng(seed)
    law = rng.dirichlet(np.full(5, 0.3)) * 0.99 + 0.002
    tokens = rng.choice(5, size=1 + seed, p=law / law.sum())

    assert tokens.tolist() == decoded(encoded(tokens, lambda past: law), len(tokens), lambda past: law).tolist()


def test_merging_costs_nothing_only_where_futures_are_equal():
    costs = merging_costs(np.array([0.5, 0.3, 0.2]), np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1]]))

    assert 0 == pytest.approx(costs[0, 1], abs=1e-12)
    assert costs[0, 2] > 0.01 and costs[1, 2] > 0.01
