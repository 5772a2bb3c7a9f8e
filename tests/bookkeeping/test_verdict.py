"""The verdict rule, on every side of a region."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.bookkeeping.ledger import (
    Claim,
    Outcome,
    final_outcomes,
    is_alarm,
    judge,
    judge_rival,
    load_ledger,
    sensitivity,
)
from repro.bookkeeping.ledger.outcomes import alarms
from repro.floor.scale import Scale
from repro.statistics import Estimate


def claim(**fields):
    base = {"id": "c", "chapter": "x", "says": "s", "said_by": (), "primary": "", "kind": "experiment"}
    check = {"metric": "m", "holds": {"low": 1.0, "high": 2.0}, "rival": 3.0, "needs": "cpu"}
    return Claim(**{**base, **check, **fields})


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (1.2, 1.8, Outcome.SUPPORTED),
        (1.0, 2.0, Outcome.SUPPORTED),  # the edges belong to the region
        (2.1, 2.5, Outcome.REFUTED),
        (0.1, 0.9, Outcome.REFUTED),
        (1.9, 2.1, Outcome.OPEN),
        (0.5, 2.5, Outcome.OPEN),  # a wide interval round the whole region settles nothing
    ],
)
def test_the_whole_interval_decides(low, high, outcome):
    assert outcome is judge(claim(), Estimate((low + high) / 2, low, high), Scale.CPU).outcome


@given(st.floats(-10, 10), st.floats(0.001, 5), st.floats(0.001, 5))
def test_a_wider_interval_never_turns_a_verdict_round(value, half, more):
    narrow = judge(claim(), Estimate(value, value - half, value + half), Scale.CPU).outcome
    wide = judge(claim(), Estimate(value, value - half - more, value + half + more), Scale.CPU).outcome

    assert wide in (narrow, Outcome.OPEN)


def test_a_smaller_scale_and_other_knobs_settle_nothing():
    inside = Estimate(1.5, 1.4, 1.6)

    assert Outcome.UNTESTED is judge(claim(), inside, Scale.SMOKE).outcome
    assert Outcome.UNTESTED is judge(claim(), inside, Scale.CPU, declared=False).outcome
    assert Outcome.SUPPORTED is judge(claim(), inside, Scale.GPU).outcome


def around(value):
    return Estimate(value, value - 0.1, value + 0.1)


@pytest.mark.parametrize(
    ("first", "other", "outcome"),
    [
        (1.5, 1.4, Outcome.SUPPORTED),
        (5.0, 6.0, Outcome.REFUTED),
        (1.5, 2.0, Outcome.OPEN),  # where the other choice settles nothing, neither does the first
        (1.5, 5.0, Outcome.OPEN),
        (2.0, 1.5, Outcome.OPEN),  # and what was open is not closed by a choice that suits
    ],
)
def test_a_verdict_that_flips_under_a_choice_as_good_is_open(first, other, outcome):
    verdict = judge(claim(), around(first), Scale.CPU)

    weighed = sensitivity(claim(), verdict, {"another window": around(other)})

    assert outcome is weighed.outcome
    assert around(first) == weighed.estimate
    assert ("another window" in weighed.reason) is (outcome is not verdict.outcome)


def test_a_bare_number_settles_arithmetic_only():
    assert Outcome.SUPPORTED is judge(claim(kind="arithmetic"), Estimate.exact(1.5), Scale.CPU).outcome
    with pytest.raises(ValueError, match="no interval"):
        judge(claim(), Estimate.exact(1.5), Scale.CPU)


@pytest.mark.parametrize("estimate", [Estimate(1.5, 1.4, 1.6, level=0.95), Estimate(1.5, 1.4, 1.6, unit="GB")])
def test_another_level_or_unit_is_refused(estimate):
    with pytest.raises(ValueError, match=r"95%|GB"):
        judge(claim(), estimate, Scale.CPU)


def test_a_rival_inside_the_region_is_no_rival():
    assert Outcome.REFUTED is judge_rival(claim())
    assert Outcome.REFUTED is not judge_rival(claim(rival=1.5))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"holds": {}}, "without bounds"),
        ({"rival": None}, "all four"),
        ({"hold": {"low": 1}}, "hold"),
        ({"finding": "attested", "place": "p. 1"}, "kind record"),
        ({"certainty": "opened"}, "there is none"),
        ({"kind": "record", "finding": "attested", "place": "p. 1", "certainty": "sure"}, "'opened', 'abstract'"),
    ],
)
def test_a_claim_that_cannot_be_settled_is_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        claim(**fields)


def test_a_claim_in_parts_is_mixed_unless_they_agree():
    def settled(outcomes):
        parent = claim(id="p", metric="", holds=None, rival=None, needs=None)
        parts = {f"p{i}": claim(id=f"p{i}", part_of="p") for i in range(len(outcomes))}
        estimates = {"in": Estimate(1.5, 1.4, 1.6), "out": Estimate(5, 4, 6)}
        measured = {
            n: {"cpu": judge(c, estimates[o], Scale.CPU)} for (n, c), o in zip(parts.items(), outcomes, strict=True)
        }
        return final_outcomes({"p": parent, **parts}, measured)["p"].outcome

    assert Outcome.MIXED is settled(["in", "out"])
    assert Outcome.REFUTED is settled(["out", "out"])


@given(st.floats(-10, 10), st.floats(0.001, 5))
def test_a_control_is_judged_by_its_region_as_any_claim_is(value, half):
    """The mark excuses nothing: where a finding would be refuted the control is too, and that is an alarm."""
    estimate = Estimate(value, value - half, value + half)
    finding, control = judge(claim(), estimate, Scale.CPU), judge(claim(control=True), estimate, Scale.CPU)

    assert finding == control
    assert is_alarm(claim(control=True), control) is (Outcome.REFUTED is finding.outcome)
    assert not is_alarm(claim(), finding)


def test_a_control_refuted_at_any_scale_is_an_alarm():
    """A larger scale that supports it does not silence the smaller one."""
    ledger = {name: claim(id=name, control=name != "finding") for name in ("sound", "broken", "finding")}
    inside, outside = (judge(claim(), Estimate(v, v - 0.1, v + 0.1), Scale.CPU) for v in (1.5, 5))
    measured = {
        "sound": {"cpu": inside},
        "broken": {"cpu": outside, "gpu": inside},
        "finding": {"cpu": outside},
    }

    assert ["broken"] == alarms(ledger, measured)


ENTRY = 'says = "s"\nsaid_by = []\nprimary = ""\nkind = "experiment"\n'
CHECK = 'metric = "m"\nholds = { low = 1 }\nrival = 0\nneeds = "cpu"\n'


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (f"[whole]\n{ENTRY}control = true\n", "control without a region"),
        (
            f'[whole]\n{ENTRY}control = true\n[part]\n{ENTRY}{CHECK}part_of = "whole"\n',
            r"parts are findings: \['part'\]",
        ),
        (f'[whole]\n{ENTRY}[part]\n{ENTRY}{CHECK}part_of = "whole"\ncontrol = true\n', "all its parts are controls"),
        (
            f'[one]\n{ENTRY}one_fit = "f-1"\n[two]\n{ENTRY}one_fit = "f-2"\n',
            r"\[one\] alone .* nearest name: \['f-2'\]",
        ),
    ],
)
def test_a_mark_that_does_not_fit_the_ledger_is_refused(tmp_path, entries, told):
    """A part's mark without its claim's, or a mistyped name of a fit, would count wrongly in silence."""
    (tmp_path / "chapter").mkdir()
    (tmp_path / "chapter" / "claims.toml").write_text(entries)

    with pytest.raises(ValueError, match=told):
        load_ledger(tmp_path)


def test_an_untested_claim_says_why():
    unmeasured = {"metric": "", "holds": None, "rival": None, "needs": None}
    ledger = {
        "silent": claim(id="silent", **unmeasured),
        "told": claim(id="told", why="It would take a year.", **unmeasured),
    }
    reasons = {name: verdict.reason for name, verdict in final_outcomes(ledger, {}).items()}

    assert {"silent": "No check has been run yet.", "told": "It would take a year."} == reasons
