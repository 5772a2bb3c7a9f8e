"""Laws that tokens are drawn from: each truncation keeps what its paper says, and no more."""

from __future__ import annotations

import pytest
import torch

from repro.inference.decoding.configurations import GREEDY, Drawing, DrawingLaws
from repro.inference.decoding.drawing import entropy, law
from repro.inference.decoding.laws import law_of_transformers
from repro.inference.decoding.measurements import check_drawings
from repro.inference.decoding.writing import distinct

LOGITS = 2 * torch.randn(50, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
PLAIN = LOGITS.softmax(-1)


def test_top_k_keeps_the_k_likeliest_in_proportion():
    kept = law(LOGITS, Drawing(top_k=3))

    assert (kept > 0).sum(-1).eq(3).all()
    torch.testing.assert_close(PLAIN.topk(3).values / PLAIN.topk(3).values.sum(-1, keepdim=True), kept.topk(3).values)


def test_top_p_keeps_the_fewest_that_hold_the_share():
    kept = PLAIN * (law(LOGITS, Drawing(top_p=0.8)) > 0)
    least = kept.masked_fill(kept == 0, 1).amin(-1)

    assert (kept.sum(-1) >= 0.8).all()
    assert (kept.sum(-1) - least < 0.8).all()


def test_min_p_keeps_those_near_the_likeliest():
    kept = law(LOGITS, Drawing(min_p=0.2)) > 0

    assert torch.equal(PLAIN >= 0.2 * PLAIN.amax(-1, keepdim=True), kept)


def test_greedy_is_the_limit_of_low_temperature_and_an_even_choice_of_high():
    torch.testing.assert_close(law(LOGITS, GREEDY), law(LOGITS, Drawing(temperature=1e-6)))
    torch.testing.assert_close(torch.full_like(PLAIN, 1 / 20), law(LOGITS, Drawing(temperature=1e9)))
    assert 0 == float(entropy(law(LOGITS, GREEDY)).max())


def test_the_check_of_truncations_can_fail():
    """A top-p that keeps one token too few lies far from transformers' law; ours does not."""
    theirs = law_of_transformers(LOGITS, Drawing(top_p=0.9))

    torch.testing.assert_close(theirs, law(LOGITS, Drawing(top_p=0.9)), rtol=0, atol=1e-12)
    assert float((theirs - law(LOGITS, Drawing(top_p=0.6))).abs().max()) > 0.05


def test_the_slope_of_entropy_is_the_variance_over_the_cube():
    found = check_drawings(DrawingLaws(laws=20), 0)

    assert found["slope_deviation"] < 1e-9
    assert found["least_rise"] > 0


@pytest.mark.parametrize(("tokens", "share"), [([1, 1, 1, 1], 1 / 3), ([1, 2, 3, 4], 1.0), ([1, 2, 1, 2], 2 / 3)])
def test_distinct_pairs_are_counted(tokens, share):
    assert pytest.approx(share) == distinct(tokens, 2)


def test_a_drawing_refuses_a_share_of_nothing():
    with pytest.raises(ValueError, match="expected shares"):
        Drawing(top_p=0.0)
