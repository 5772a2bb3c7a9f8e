"""Regions that were changed after their first verdict, read from git history."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

decisive = ("holds", "rival", "needs", "metric", "unit")


@dataclass(frozen=True)
class RegionChange:
    """What decided a claim was changed in `commit`, after a verdict had been recorded."""

    claim: str
    chapter: str
    commit: str
    date: str
    why: str
    before: dict[str, Any]
    after: dict[str, Any]


def region_changes(root: Path, chapters: Collection[str] | None = None) -> list[RegionChange] | None:
    """Every such change in the history of HEAD, oldest first; None where there is no git history to read.

    Args:
        chapters: those to look at; all by default.
    """
    try:
        _git(root, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return None
    changes = []
    for path in sorted((root / "experiments").glob("*/claims.toml")):
        if chapters is None or path.parent.name in chapters:
            changes += _changes_of_chapter(root, path.parent.name)
    return changes


def _changes_of_chapter(root: Path, chapter: str) -> list[RegionChange]:
    ledger, verdicts = f"experiments/{chapter}/claims.toml", f"results/verdicts/{chapter}.json"
    if not (root / verdicts).is_file():
        return []
    log = _git(root, "log", "--reverse", "--format=%H%x09%cs%x09%s", "--", ledger, verdicts)
    regions: dict[str, dict[str, Any]] = {}
    settled: set[str] = set()
    changes = []
    for line in log.splitlines():
        commit, date, subject = line.split("\t", 2)
        now = _regions_at(root, commit, ledger)
        for name in sorted(settled & set(now)):
            if regions.get(name, now[name]) != now[name]:
                changes.append(RegionChange(name, chapter, commit[:12], date, subject, regions[name], now[name]))
        regions |= now
        settled |= _settled_at(root, commit, verdicts)
    return changes


def _regions_at(root: Path, commit: str, path: str) -> dict[str, dict[str, Any]]:
    text = _show(root, commit, path)
    claims = tomllib.loads(text) if text else {}
    return {
        name: {k: fields[k] for k in decisive if k in fields} for name, fields in claims.items() if "holds" in fields
    }


def _settled_at(root: Path, commit: str, path: str) -> set[str]:
    text = _show(root, commit, path)
    return set(json.loads(text)["verdicts"]) if text else set()


def _show(root: Path, commit: str, path: str) -> str | None:
    try:
        return _git(root, "show", f"{commit}:{path}")
    except subprocess.CalledProcessError:  # the file did not exist at that commit
        return None


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout
