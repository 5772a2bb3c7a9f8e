"""A claim as its chapter's claims.toml states it."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from repro.floor.faults import printable
from repro.floor.scale import Scale
from repro.floor.toml_files import load_toml, table_of


class Kind(StrEnum):
    """What sort of statement a claim is, and so how it can be settled."""

    ARITHMETIC = "arithmetic"
    THEOREM = "theorem"
    EXPERIMENT = "experiment"
    TIMING = "timing"
    RECORD = "record"
    OPINION = "opinion"

    @property
    def exact(self) -> bool:
        """Whether an estimate without width may settle it."""
        return self in (Kind.ARITHMETIC, Kind.THEOREM)


class Reach(StrEnum):
    """How far a verdict carries."""

    ANY = "any model"
    OTHERS = "other people's models"
    SMALL = "small models of ours"
    MACHINE = "this machine"


class Certainty(StrEnum):
    """How near we came to the place that a finding names; of several places, to the one that we came least near."""

    OPENED = "opened"  # read there, in the source or in a whole copy of it
    ABSTRACT = "abstract"  # of the source only the abstract, or its opening, was read
    SECOND_HAND = "second hand"  # read in what others write of it
    UNOPENED = "unopened"  # remembered


class Region(BaseModel):
    """The values that agree with a claim, edges included; an absent bound is no bound."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _is_a_region(self) -> Region:
        if self.low is None and self.high is None:
            raise ValueError("a region without bounds holds every value, so nothing could refute the claim")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low} lies above high {self.high}")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """(low, high), infinite where there is no bound."""
        return (-math.inf if self.low is None else self.low, math.inf if self.high is None else self.high)


class Claim(BaseModel):
    """What is said, by whom, and what would settle it.

    Fields: `says` in our words; `said_by` letters of the articles; `primary` where the figure comes from; `holds`
    the region; `rival` the value we would see if the claim were false; `needs` the smallest scale that may settle
    it; `finding` and `place` settle a record by citation, and `certainty` says how near we came to the place;
    `part_of` makes it one condition of another claim;
    `control` marks what is true by construction; `one_fit` names the fit that settles this claim and others; `because`
    says why the region ends where it does; `carries` how far the verdict reaches, where its kind does not say;
    `literal` marks the part that reads an article's sentence as it stands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    id: str
    chapter: str
    says: str
    said_by: tuple[Literal["A", "B", "C", "D", "E"], ...]
    primary: str
    kind: Kind
    contradicts: tuple[str, ...] = ()
    part_of: str | None = None
    control: bool = False
    one_fit: str = ""
    metric: str = ""
    unit: str = ""
    holds: Region | None = None
    rival: float | None = None
    needs: Scale | None = None
    finding: Literal["attested", "contradicted", "undisclosed"] | None = None
    place: str = ""
    certainty: Certainty | None = None
    why: str = ""
    because: str = ""
    carries: Reach | None = None
    literal: bool = False

    @model_validator(mode="after")
    def _can_be_settled(self) -> Claim:
        decided = {"holds": self.holds, "rival": self.rival, "needs": self.needs, "metric": self.metric or None}
        given = [name for name, value in decided.items() if value is not None]
        if given and len(given) < len(decided):
            missing = sorted(set(decided) - set(given))
            raise ValueError(f"has {given} but not {missing}; a claim's check states all four or none")
        if self.finding and (self.kind is not Kind.RECORD or not self.place):
            raise ValueError("a `finding` belongs to kind record and needs its `place` (table, equation, page)")
        if self.certainty and not self.finding:
            raise ValueError("`certainty` says how near we came to the place of a `finding`, and there is none")
        if self.kind in (Kind.RECORD, Kind.OPINION) and self.holds:
            raise ValueError(f"kind {self.kind} is not measured, so it has no region; use another kind, or a part")
        if self.literal and self.part_of is None:
            raise ValueError("`literal` marks a part; a claim without parts is read as it stands anyway")
        return self

    @property
    def reach(self) -> Reach | None:
        """How far a verdict on it carries; None of what is no measurement."""
        of_kind = {Kind.EXPERIMENT: Reach.SMALL, Kind.TIMING: Reach.MACHINE}
        of_kind |= dict.fromkeys((Kind.ARITHMETIC, Kind.THEOREM), Reach.ANY)
        return self.carries or of_kind.get(self.kind)

    @property
    def anchor(self) -> str:
        """The name of the claim's verdict card on its page and of its row in the ledger."""
        return f"claim-{self.id}"

    @property
    def address(self) -> str:
        """Where the book says all that is known of the claim, its history too: a place on the page of its chapter."""
        return f"claims/{self.chapter}.html#{self.anchor}"


def load_chapter(path: Path) -> dict[str, Claim]:
    """The claims of one claims.toml, whose folder names the chapter, in its order.

    Raises:
        ValueError: a claim that breaks the schema, named with file, id, field and what was expected.
    """
    claims = {}
    for name, entries in load_toml(path).items():
        fields = table_of(path, name, entries)
        if not re.fullmatch(r"[\w.-]+", name):
            raise ValueError(f"{path} [{name!r}]: a claim's name holds letters, digits, - and _ alone")
        try:
            claims[name] = Claim(**{**fields, "id": name, "chapter": path.parent.name})
        except (ValidationError, TypeError) as error:
            raise ValueError(f"{path} [{name}]: {_readable(error, fields)}") from None
    return claims


def _readable(error: ValidationError | TypeError, fields: Mapping[str, Any]) -> str:
    if isinstance(error, TypeError):
        return printable(str(error))
    faults = []
    for problem in error.errors():
        where = printable(".".join(str(part) for part in problem["loc"]))
        hint = ""
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(where, Claim.model_fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; expected one of {sorted(Claim.model_fields)}"
        faults.append(f"{where or 'the claim'}: {problem['msg']}{hint}")
    return "; ".join(faults)


def load_ledger(experiments: Path) -> dict[str, Claim]:
    """Every chapter's claims, chapters in alphabetical order.

    Raises:
        ValueError: one id in two chapters, a `contradicts` or `part_of` that names no claim, a `control` that cannot
            be one, or a `one_fit` of one claim.
    """
    ledger: dict[str, Claim] = {}
    for path in sorted(experiments.glob("*/claims.toml")):
        for name, claim in load_chapter(path).items():
            if name in ledger:
                raise ValueError(f"{path} [{name}]: chapter {ledger[name].chapter} has this id already")
            ledger[name] = claim
    for claim in ledger.values():
        for other in (*claim.contradicts, *([claim.part_of] if claim.part_of else [])):
            if other not in ledger:
                near = difflib.get_close_matches(other, ledger, n=1)
                raise ValueError(f"[{claim.id}] names {other!r}, which is no claim; nearest: {near or 'none'}")
    _check_controls(ledger)
    _check_fits(ledger)
    return ledger


def parts_by_claim(ledger: Mapping[str, Claim]) -> dict[str, list[Claim]]:
    """The parts of each claim that has any, in the ledger's order."""
    parts: dict[str, list[Claim]] = {}
    for claim in ledger.values():
        if claim.part_of:
            parts.setdefault(claim.part_of, []).append(claim)
    return parts


def _check_controls(ledger: Mapping[str, Claim]) -> None:
    parts = parts_by_claim(ledger)
    for claim in ledger.values():
        if claim.id in parts and claim.control != all(part.control for part in parts[claim.id]):
            findings = [part.id for part in parts[claim.id] if not part.control]
            raise ValueError(
                f"[{claim.id}] is marked control = {str(claim.control).lower()}, but "
                f"{f'these parts are findings: {findings}' if findings else 'all its parts are controls'}; "
                "a claim in parts is a control where all its parts are, and else is none"
            )
        if claim.control and claim.id not in parts and claim.holds is None:
            raise ValueError(f"[{claim.id}] is a control without a region; a control is judged as any claim is")


def _check_fits(ledger: Mapping[str, Claim]) -> None:
    settled = Counter(claim.one_fit for claim in ledger.values() if claim.one_fit)
    for claim in ledger.values():
        if settled[claim.one_fit] == 1:
            near = difflib.get_close_matches(claim.one_fit, settled.keys() - {claim.one_fit}, n=1)
            raise ValueError(
                f"[{claim.id}] alone has one_fit = {claim.one_fit!r}, which is for claims that share a fit; "
                f"nearest name: {near or 'none'}"
            )
