"""Sentences about results: nothing that a run decides can be typed, and none outlives its verdict."""

from __future__ import annotations

import pytest

from repro.bookkeeping.display.telling import as_listed, in_short, told, unmet
from repro.bookkeeping.ledger import Claim, judge
from repro.floor.scale import Scale
from repro.statistics import Estimate

GAP = Estimate(-0.1355, -0.419, 0.148, unit="points")
CLAIM = Claim(
    id="ppo-ahead",
    chapter="x",
    says="PPO earns more than DPO.",
    said_by=(),
    primary="",
    kind="experiment",
    metric="m",
    unit="points",
    holds={"low": 0.05},
    rival=0.0,
    needs="cpu",
)
CLAIMS = {"ppo-ahead": CLAIM}
VERDICTS = {"ppo-ahead": judge(CLAIM, GAP, Scale.CPU, scope="tiny decoders")}


def tell(words, **fields):
    return told(words, fields, VERDICTS, CLAIMS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("{gap}", "−0.14 points (−0.42 to 0.15)"),
        ("{gap:abs} {gap:less|more}", "0.14 points less"),
        ("from {gap:range}", "from −0.42 to 0.15 points"),
        ("{ppo-ahead:value}, {ppo-ahead:outcome}", "−0.14 points, open"),
        ("{fell} of {tried}, {share:percent}", "five of 45, 11 %"),
        ("{right:percent}", "100.0 % (99.1 to 100.0)"),
        ("a year like 2024, `k = 5`, $10^{21}$, GPT-2 and {cite}`shazeer2019`", None),
    ],
)
def test_fields_are_spelled_as_the_cards_spell_them(words, expected):
    fields = {"gap": GAP, "fell": 5, "tried": 45, "share": 5 / 45, "right": Estimate(1.0, 0.9912, 1.0)}

    assert (expected or words) == tell(words, **fields)


@pytest.mark.parametrize("words", ["DPO earns 0.14 more.", "All 5 collapsed.", "a 70B model", "half, or 50 %"])
def test_a_typed_digit_is_refused(words):
    with pytest.raises(ValueError, match="is typed in"):
        tell(words)


def test_a_field_that_nobody_gave_is_named():
    with pytest.raises(ValueError, match=r"\{gain\} in 'by \{gain\}' is no field; given are \['gap', 'ppo-ahead'\]"):
        tell("by {gain}", gap=GAP)


def test_sentences_go_with_the_outcome_that_they_speak_of():
    assert [] == unmet({"ppo-ahead": "open"}, VERDICTS, CLAIMS)
    assert [] == unmet({"ppo-ahead": ["leans against", "short of it"]}, VERDICTS, CLAIMS)
    assert ["ppo-ahead is open, leans against, not supported"] == unmet({"ppo-ahead": "supported"}, VERDICTS, CLAIMS)
    assert ["ppo-ahead is untested, not open"] == unmet({"ppo-ahead": "open"}, {}, CLAIMS)
    with pytest.raises(ValueError, match="expected one of"):
        unmet({"ppo-ahead": "proved"}, VERDICTS, CLAIMS)


def test_the_answer_says_how_far_it_carries():
    box = in_short(as_listed(VERDICTS.values(), CLAIMS), VERDICTS, CLAIMS, do="Wait.")

    assert "small models of ours (tiny decoders)" in box and "leans against" in box and "Wait." in box
