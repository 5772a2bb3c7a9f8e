"""Findings for the cover and questions for the index, as book/findings.toml and book/questions.toml state them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from repro.bookkeeping.display.telling import refuse_typed, unmet
from repro.bookkeeping.ledger import Claim, Verdict
from repro.floor.faults import fault
from repro.floor.toml_files import load_toml

SHAPE = ConfigDict(extra="forbid", validate_by_name=True)
Entry = TypeVar("Entry")


@dataclass(frozen=True, config=SHAPE)
class Finding:
    """What is believed, and a template of what was found, true while its claims have the outcomes named.

    Fields: `believed` is somebody's sentence and may hold their numbers; `measured` is told, so it may hold none.
    """

    claim: str
    believed: str
    measured: str
    while_: Annotated[dict[str, str | list[str]], Field(alias="while")]


@dataclass(frozen=True, config=SHAPE)
class Question:
    """A practical question under a heading, and the claims that answer it."""

    heading: str
    asks: str
    claims: list[str]


def load_findings(path: Path, ledger: Mapping[str, Claim]) -> list[Finding]:
    """The findings of a file in its order; no file, none.

    Raises:
        ValueError: a claim that the ledger does not have, an entry of another shape, or a digit typed as measured.
    """
    found = _entries(path, "finding", TypeAdapter(list[Finding]))
    for finding in found:
        _refuse_unknown(path, [finding.claim, *finding.while_], ledger)
        refuse_typed(finding.measured)
    return found


def load_questions(path: Path, ledger: Mapping[str, Claim]) -> list[Question]:
    """The questions of a file in its order; no file, none.

    Raises:
        ValueError: a claim that the ledger does not have, or an entry of another shape.
    """
    asked = _entries(path, "question", TypeAdapter(list[Question]))
    for question in asked:
        _refuse_unknown(path, question.claims, ledger)
    return asked


def stale_findings(
    findings: Sequence[Finding], ledger: Mapping[str, Claim], verdicts: Mapping[str, Verdict]
) -> list[str]:
    """The outcomes that findings speak of and that their claims do not have any more, in words."""
    return [left for finding in findings for left in unmet(finding.while_, verdicts, ledger)]


def _entries(path: Path, name: str, shape: TypeAdapter[list[Entry]]) -> list[Entry]:
    entries: Any = load_toml(path).get(name, []) if path.is_file() else []
    try:
        return shape.validate_python(entries)
    except ValidationError as error:
        raise ValueError(f"{path}: [[{name}]] is not as expected ({fault(error)})") from error


def _refuse_unknown(path: Path, names: list[str], ledger: Mapping[str, Claim]) -> None:
    for name in names:
        if name not in ledger:
            raise ValueError(f"{path} names {name!r}, which is no claim of the ledger")
