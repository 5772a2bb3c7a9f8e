"""What a verdict says beyond its outcome, on planted estimates: every open verdict has one of five states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.bookkeeping.display.states import mark, reason
from repro.bookkeeping.ledger import Claim, Outcome, State, is_by_a_hair, judge, sensitivity, state
from repro.floor.scale import Scale
from repro.statistics import Estimate

CLAIM = Claim(
    id="c",
    chapter="x",
    says="s",
    said_by=(),
    primary="",
    kind="experiment",
    metric="m",
    holds={"low": 1.0, "high": 2.0},
    rival=4.0,
    needs="cpu",
)


def verdict(value, low, high):
    return judge(CLAIM, Estimate(value, low, high), Scale.CPU)


@pytest.mark.parametrize(
    ("value", "low", "high", "found", "words"),
    [
        (1.5, 0.9, 2.1, State.CONSISTENT, "rules out 4"),
        (2.5, 1.5, 3.5, State.SHORT, "short of it"),
        (1.9, 0.0, 5.0, State.UNDECIDED, "undecided"),
        (2.9, 0.5, 5.5, State.LEANS, "leans against"),
        (1.5, 1.4, 1.6, State.MEASURED, "supported"),
        (5.0, 4.5, 5.5, State.MEASURED, "refuted"),
    ],
)
def test_the_state_of_a_planted_estimate(value, low, high, found, words):
    assert found is state(CLAIM, verdict(value, low, high))
    assert words in mark(CLAIM, verdict(value, low, high))


def test_a_verdict_that_a_choice_turns_is_no_wide_interval():
    turned = sensitivity(CLAIM, verdict(1.5, 1.4, 1.6), {"another window": Estimate(5.0, 4.5, 5.5)})

    assert (Outcome.OPEN, State.TURNS) == (turned.outcome, state(CLAIM, turned))
    assert "another window" in reason(CLAIM, turned)


@given(st.floats(-3, 7), st.floats(0.001, 4), st.floats(0.001, 4))
def test_what_a_state_says_of_the_rival_is_so(value, below, above):
    one = verdict(value, value - below, value + above)
    found = state(CLAIM, one)

    assert (found in (State.CONSISTENT, State.SHORT)) == (
        one.outcome is Outcome.OPEN and not value - below <= 4.0 <= value + above
    )
    assert ("rule out" in reason(CLAIM, one)) == (found in (State.CONSISTENT, State.SHORT))


def test_a_hair_is_a_twentieth_of_the_width():
    assert is_by_a_hair(CLAIM, verdict(1.5, 1.01, 1.99))
    assert is_by_a_hair(CLAIM, verdict(1.5, 1.5, 2.02))
    assert not is_by_a_hair(CLAIM, verdict(1.5, 1.2, 1.8))
    assert "By a hair" in reason(CLAIM, verdict(1.5, 1.01, 1.99))
