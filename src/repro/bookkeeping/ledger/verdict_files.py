"""results/verdicts: the estimates and outcomes that the book shows, and the changelog of outcomes."""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from repro.bookkeeping.ledger.outcomes import Verdicts
from repro.bookkeeping.ledger.verdict import Outcome, Verdict
from repro.floor.estimate import Estimate
from repro.floor.faults import DAMAGE, fault

ROUNDING = 1e-12  # of quantities of size one, after some thousand operations in float64


@dataclass(frozen=True)
class Change:
    """One line of the changelog: an outcome that is new (`before` None) or another than it was."""

    date: str
    claim: str
    chapter: str
    scale: str
    before: str | None
    after: str


VERDICT, CHANGE = TypeAdapter(Verdict), TypeAdapter(Change)


def verdict_as_plain(verdict: Verdict) -> dict[str, Any]:
    """A measured verdict as JSON keeps it, without what its place in the file says (claim, scale)."""
    # Not mode="json", which refuses the numbers of numpy that an estimate may hold; Jupyter's JSON takes them.
    absent = {
        name for name in ("device", "also", "as_it_stands") if not getattr(verdict, name)
    }  # few verdicts have them
    return dict(VERDICT.dump_python(verdict, exclude={"claim", "scale", *absent}))


def verdict_from_plain(claim: str, scale: str, plain: dict[str, Any]) -> Verdict:
    """The inverse of `verdict_as_plain`; other entries of `plain` are passed over.

    Raises:
        ValueError: an entry is absent, or no part of a verdict.
    """
    verdict = VERDICT.validate_python({**plain, "claim": claim, "scale": scale})
    if verdict.estimate is None:
        raise ValueError(f"{claim} at scale {scale} has no estimate")
    if absent := verdict_as_plain(verdict).keys() - plain.keys():  # a verdict by citation has defaults, a file has none
        raise ValueError(f"{claim} at scale {scale} lacks {sorted(absent)}")
    return verdict


def verdict_file(results: Path, chapter: str) -> Path:
    """Where the verdicts of a chapter are kept."""
    return results / "verdicts" / f"{chapter}.json"


def load_verdicts(results: Path) -> dict[str, dict[str, Verdict]]:
    """Every verdict on file, by claim and scale.

    Raises:
        ValueError: a file that is no whole verdict file.
    """
    verdicts: dict[str, dict[str, Verdict]] = {}
    for path in sorted((results / "verdicts").glob("*.json")):
        try:
            by_claim = json.loads(path.read_text(encoding="utf-8"))["verdicts"]
            for claim, by_scale in by_claim.items():
                verdicts[claim] = {scale: verdict_from_plain(claim, scale, v) for scale, v in by_scale.items()}
        except DAMAGE as error:
            raise ValueError(
                f"{path} is no whole verdict file ({fault(error)}); restore it from git, then run the chapter"
            ) from error
    return verdicts


def keep_verdicts(results: Path, chapter: str, fresh: Iterable[Verdict]) -> list[Change]:
    """Write a run's verdicts into the chapter's file and the changelog; returns what changed.

    A verdict equal to the one on file keeps its date, so that a rerun without news changes no file. One that the same
    notebook gave at the same scale, and gives no longer, leaves the file. Processes that do this at once take turns.
    """
    with _alone_in(results / "verdicts"):
        return _keep(results, chapter, list(fresh))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """While this is open, no other process is inside for this folder; the system ends it with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _keep(results: Path, chapter: str, given: list[Verdict]) -> list[Change]:
    path = verdict_file(results, chapter)
    on_file = {claim: dict(by_scale) for claim, by_scale in load_verdicts(results).items()} if path.is_file() else {}
    mine = _of_file(path, on_file)
    changes = []
    today = datetime.now(UTC).date().isoformat()

    def change(claim: str, scale: str, before: Verdict | None, after: Outcome) -> None:
        if before is None or before.outcome is not after:
            changes.append(Change(today, claim, chapter, scale, str(before.outcome) if before else None, str(after)))

    settled = [verdict for verdict in given if verdict.outcome is not Outcome.UNTESTED]
    for verdict in _withdrawn(mine, given, settled):
        del mine[verdict.claim][str(verdict.scale)]
        change(verdict.claim, str(verdict.scale), verdict, Outcome.UNTESTED)
    for verdict in settled:
        before = mine.get(verdict.claim, {}).get(str(verdict.scale))
        if before is not None and same_verdict(before, verdict):
            continue
        change(verdict.claim, str(verdict.scale), before, verdict.outcome)
        mine.setdefault(verdict.claim, {})[str(verdict.scale)] = replace(verdict, date=today)
    # In this order, and without what is logged already: a kill between the two costs neither.
    _append(results, changes)
    _write(path, chapter, {claim: by_scale for claim, by_scale in mine.items() if by_scale})
    return changes


def _withdrawn(mine: Verdicts, given: list[Verdict], settled: list[Verdict]) -> list[Verdict]:
    """Verdicts on file that a run's notebook and scale gave once and now do not; without any given, none is."""
    runs = {(verdict.notebook, verdict.scale) for verdict in given}
    still = {(verdict.claim, verdict.scale) for verdict in settled}
    on_file = [verdict for by_scale in mine.values() for verdict in by_scale.values()]
    return [v for v in on_file if (v.notebook, v.scale) in runs and (v.claim, v.scale) not in still]


def same_verdict(one: Verdict, other: Verdict, tolerance: float = 1e-6) -> bool:
    """Whether two verdicts say the same: outcomes, words, and estimates equal to a relative `tolerance`.

    The tolerance is for the last digits that another processor's arithmetic gives; outcomes must be equal. Where a
    claim says that two numbers are one, the estimate is their rounding error alone, which no two processors share:
    below `ROUNDING` two such estimates are equal.
    """
    if (one.outcome, one.scope, one.notebook, one.reason) != (other.outcome, other.scope, other.notebook, other.reason):
        return False
    assert one.estimate is not None and other.estimate is not None
    if [(c.name, c.outcome) for c in one.also] != [(c.name, c.outcome) for c in other.also]:
        return False
    pairs = [
        (one.estimate, other.estimate),
        *((a.estimate, b.estimate) for a, b in zip(one.also, other.also, strict=True)),
    ]
    return all(_same_estimate(ours, theirs, tolerance) for ours, theirs in pairs)


def _same_estimate(one: Estimate, other: Estimate, tolerance: float) -> bool:
    ours, theirs = one.plain(), other.plain()
    return all(_close(ours[name], theirs[name], tolerance) for name in ours)


def _close(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=ROUNDING)
    return bool(one == other)


def _of_file(path: Path, verdicts: Verdicts) -> dict[str, dict[str, Verdict]]:
    if not path.is_file():
        return {}
    names = json.loads(path.read_text(encoding="utf-8"))["verdicts"]
    return {claim: dict(verdicts[claim]) for claim in names}


def _write(path: Path, chapter: str, verdicts: dict[str, dict[str, Verdict]]) -> None:
    by_claim = {c: {s: verdict_as_plain(v) for s, v in sorted(by.items())} for c, by in sorted(verdicts.items())}
    text = json.dumps({"chapter": chapter, "verdicts": by_claim}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    _replace(path, text)


def _replace(path: Path, text: str) -> None:
    """Put a file in its place, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def load_changelog(results: Path) -> list[Change]:
    """Every change of an outcome, oldest first.

    Raises:
        ValueError: a line that is no change.
    """
    path = changelog_file(results)
    changes = []
    for number, line in enumerate(_lines_of(path), start=1):
        try:
            change = CHANGE.validate_json(line)
            date.fromisoformat(change.date)
            _ = [Outcome(outcome) for outcome in (change.before, change.after) if outcome is not None]
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number} is no change ({fault(error)}); restore the file from git"
            ) from error
        changes.append(change)
    return changes


def changelog_file(results: Path) -> Path:
    """Where changes of outcomes are kept, one per line."""
    return results / "verdicts" / "changelog.jsonl"


def _lines_of(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    except ValueError as error:
        raise ValueError(f"{path} is no text in UTF-8 ({error}); restore it from git") from error
    return [line for line in text.split("\n") if line.strip()]  # a union of two branches may leave an empty one


def _append(results: Path, changes: list[Change]) -> None:
    """Log the changes whose claim was not last logged with the same outcome."""
    last = {(change.claim, change.scale): change.after for change in load_changelog(results)}
    news = [change for change in changes if last.get((change.claim, change.scale)) != change.after]
    if news:
        path = changelog_file(results)
        _replace(path, "\n".join([*_lines_of(path), *(json.dumps(vars(change)) for change in news), ""]))
