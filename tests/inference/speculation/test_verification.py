"""Speculative decoding on tiny vocabularies, where every string can be counted: exact rules are, false ones are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from repro.bookkeeping.ledger import judge, load_chapter
from repro.floor.scale import Scale
from repro.inference.decoding.choices import Drawn, every_way
from repro.inference.decoding.configurations import GREEDY, Drawing
from repro.inference.speculation.configurations import BROKEN, EXACT, Enumeration
from repro.inference.speculation.measurements import enumerate_rule
from repro.inference.speculation.verification import BROKEN as FALSE_RULES
from repro.inference.speculation.verification import EXACT as EXACT_RULES
from repro.statistics import divergence, g_test


def test_the_named_rules_are_those_there_are():
    assert (set(EXACT), set(BROKEN)) == (set(EXACT_RULES), set(FALSE_RULES))


@pytest.mark.parametrize("drawing", [Drawing(), Drawing(temperature=0.7, top_k=2), Drawing(top_p=0.8), GREEDY], ids=str)
@pytest.mark.parametrize("rule", EXACT)
def test_an_exact_rule_writes_every_string_as_often_as_the_target(rule, drawing):
    found = enumerate_rule(Enumeration(rule=rule, length=2, drawing=drawing), 0)

    assert found["total"] == pytest.approx(1, abs=1e-12)
    assert found["difference"] < 1e-12


@pytest.mark.parametrize("rule", BROKEN)
def test_a_false_rule_is_caught(rule):
    found = enumerate_rule(Enumeration(rule=rule, length=3 if rule == "one random number" else 2), 1)

    assert found["total"] == pytest.approx(1, abs=1e-12)
    assert found["difference"] > 1e-3


def test_the_margin_of_the_exact_rule_shuts_out_what_a_false_rule_writes():
    """Planted: 64,000 pairs by a law, and by another 0.004 nats away, which a margin of 0.01 let pass as the law's own.

    That is how far one random number for all acceptances strays on the page.
    """
    claims = load_chapter(Path(__file__).parents[3] / "experiments/speculative/claims.toml")
    exact, false = claims["spec-exact-when-sampled"], claims["false-rules-are-sampled"]
    rng = np.random.default_rng(1)
    law = rng.dirichlet(np.full(200, 5))
    other = law * np.exp(rng.choice([-1, 1], 200) * 0.09)
    own, strayed = (divergence(g_test(rng.multinomial(64_000, drawn), law)) for drawn in (law, other / other.sum()))

    assert strayed.high < 0.01
    assert ["supported", "refuted"] == [judge(exact, one, Scale.CPU).outcome for one in (own, strayed)]
    assert ["refuted", "supported"] == [judge(false, one, Scale.CPU).outcome for one in (own, strayed)]


def test_the_ways_of_two_dice_are_those_of_two_dice():
    weights = torch.tensor([[1.0, 2.0, 1.0]])

    found = list(every_way(lambda way: int(way.token(weights)) + int(way.token(weights))))

    assert 9 == len(found)
    assert sum(p for p, total in found if total == 2) == pytest.approx(2 * 1 / 16 + 1 / 4)


def test_drawn_tokens_follow_their_weights_and_none_of_weight_zero_is_drawn():
    weights = torch.tensor([0.0, 3.0, 0.0, 1.0, 0.0]).expand(20_000, 5)

    counts = torch.bincount(Drawn(0).token(weights), minlength=5)

    assert [0, 0, 0] == [int(counts[i]) for i in (0, 2, 4)]
    assert 0.75 == pytest.approx(int(counts[1]) / 20_000, abs=0.01)
