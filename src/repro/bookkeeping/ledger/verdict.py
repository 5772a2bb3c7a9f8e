"""The verdict rule: the whole interval inside the region, wholly outside, or across an edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer
from pydantic.dataclasses import dataclass

from repro.bookkeeping.ledger.claim import Claim
from repro.floor.estimate import LEVEL, Estimate
from repro.floor.scale import Scale


class Outcome(StrEnum):
    """What a verdict may say."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    OPEN = "open"
    MIXED = "mixed"
    UNTESTED = "untested"
    ATTESTED = "attested"
    CONTRADICTED = "contradicted"
    UNDISCLOSED = "undisclosed"
    NOT_TESTABLE = "not testable"

    @property
    def settled(self) -> bool:
        """Whether the question is answered, whichever way."""
        return self not in (Outcome.OPEN, Outcome.UNTESTED)


def _estimate(value: object) -> object:
    return Estimate.from_plain(value) if isinstance(value, dict) else value


KeptEstimate = Annotated[Estimate, BeforeValidator(_estimate), PlainSerializer(Estimate.plain)]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What an estimate becomes under another choice that is as good as the one made, and the outcome it would give."""

    name: str
    outcome: Outcome
    estimate: KeptEstimate


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An outcome with all that a reader needs to weigh it, in the order in which files keep it.

    Fields: `scale` at which it was measured (None if by citation), `scope` what it speaks for, `reason` one sentence,
    `device` what its trials ran on, of a verdict at scale gpu alone, `also` what it rests on besides: other choices,
    `as_it_stands` of a mixed claim the outcome of the parts that read the article's sentence as it stands.
    """

    claim: str
    scale: Scale | None = None
    outcome: Outcome
    estimate: KeptEstimate | None = None
    reason: str
    scope: str = ""
    notebook: str = ""
    date: str = ""
    device: str = ""
    also: tuple[Choice, ...] = ()
    as_it_stands: Outcome | None = None


def judge(claim: Claim, estimate: Estimate, scale: Scale, *, scope: str = "", declared: bool = True) -> Verdict:
    """The verdict of an estimate made at `scale` with the scale's declared knobs (or, not `declared`, with others).

    Raises:
        ValueError: the claim states no region; the estimate has no width though the claim is measured; or its level
            or unit is not the one expected.
    """
    _refuse_unfit(claim, estimate)
    assert claim.holds is not None and claim.needs is not None
    low, high = claim.holds.bounds

    def verdict(outcome: Outcome, reason: str) -> Verdict:
        return Verdict(claim=claim.id, outcome=outcome, reason=reason, estimate=estimate, scale=scale, scope=scope)

    if not scale.reaches(claim.needs):
        return verdict(Outcome.UNTESTED, f"Measured at scale {scale}; this claim needs {claim.needs}.")
    if not declared:
        return verdict(
            Outcome.UNTESTED, "Measured with other knobs than the scale declares, so it settles nothing here."
        )
    if low <= estimate.low and estimate.high <= high:
        return verdict(Outcome.SUPPORTED, "The whole interval lies inside the region.")
    if estimate.high < low or high < estimate.low:
        return verdict(Outcome.REFUTED, "The whole interval lies outside the region.")
    return verdict(Outcome.OPEN, "The interval reaches across an edge of the region.")


def sensitivity(claim: Claim, verdict: Verdict, also: Mapping[str, Estimate], *, declared: bool = True) -> Verdict:
    """The verdict beside what other choices, each as good, make of its estimate: one that flips in them is open.

    Args:
        also: the estimate under each other choice, by a name that says the choice in words ("first reading left out").
        declared: as `judge` has it.

    Raises:
        ValueError: an estimate that could not settle the claim either.
    """
    assert verdict.scale is not None
    choices = tuple(
        Choice(name=name, outcome=judge(claim, other, verdict.scale, declared=declared).outcome, estimate=other)
        for name, other in also.items()
    )
    flips = [choice for choice in choices if choice.outcome is not verdict.outcome]
    if not flips or verdict.outcome is Outcome.OPEN:
        return replace(verdict, also=choices)
    told = "; ".join(f"{choice.outcome} with another choice, as good: {choice.name}" for choice in flips)
    return replace(
        verdict, also=choices, outcome=Outcome.OPEN, reason=f"By the first reading {verdict.outcome}, but {told}."
    )


def is_alarm(claim: Claim, verdict: Verdict) -> bool:
    """Whether a control is refuted: it is true by construction, so the fault is in the measurement or the code."""
    return claim.control and verdict.outcome is Outcome.REFUTED


def judge_rival(claim: Claim) -> Outcome:
    """The outcome if the value of the rival world were measured without error; it must be *refuted*."""
    if claim.rival is None or claim.needs is None:
        raise ValueError(f"{claim.id} names no rival: the value that we would see if it were false")
    return judge(
        claim, Estimate(claim.rival, claim.rival, claim.rival + _least_width(claim.rival), unit=claim.unit), claim.needs
    ).outcome


def _least_width(value: float) -> float:
    return 1e-12 * max(
        abs(value), 1.0
    )  # a rival is exact by definition, yet goes through the same gate as a measurement


def _refuse_unfit(claim: Claim, estimate: Estimate) -> None:
    if claim.holds is None:
        raise ValueError(
            f"{claim.id} states no region in claims.toml; write holds, rival, metric and needs before the run"
        )
    if estimate.is_exact and not claim.kind.exact:
        raise ValueError(
            f"{claim.id} is a claim of kind {claim.kind}, but its estimate {estimate.value:g} has no interval; "
            "only arithmetic and theorems may be settled by a bare number"
        )
    if estimate.level < LEVEL:
        raise ValueError(f"{claim.id}: an interval at {estimate.level:.0%}; verdicts are given at {LEVEL:.0%}")
    if estimate.unit != claim.unit:
        raise ValueError(f"{claim.id} is stated in {claim.unit or 'no unit'!r}, the estimate in {estimate.unit!r}")
