"""Verdict files: nothing moves without news, news reaches the changelog, and history tells of changed regions."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.bookkeeping.ledger import Choice, Outcome, Verdict, region_changes, verdict_files
from repro.bookkeeping.ledger.verdict_files import (
    _write,
    keep_verdicts,
    load_changelog,
    load_verdicts,
    same_verdict,
    verdict_as_plain,
)
from repro.floor.scale import Scale
from repro.statistics import Estimate

ROOMS = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]


def verdict(outcome=Outcome.SUPPORTED, value=1.0, claim="c", scale=Scale.CPU, estimate=None):
    estimate = estimate or Estimate(value, value - 0.1, value + 0.1)
    words = {"reason": "why", "scope": "here", "notebook": "notebook"}
    return Verdict(claim=claim, outcome=outcome, estimate=estimate, scale=scale, **words)


def choice(name="another window", value=1.1):
    return Choice(name=name, outcome=Outcome.OPEN, estimate=Estimate(value, value - 0.1, math.inf))


def test_a_kept_verdict_is_read_back(tmp_path):
    one_sided = replace(verdict(estimate=Estimate(1.0, 0.9, math.inf)), also=(choice(),))
    keep_verdicts(tmp_path, "chapter", [one_sided])

    read = load_verdicts(tmp_path)["c"]["cpu"]

    assert one_sided == replace(read, date="")


def test_another_number_under_another_choice_is_news():
    one, same, moved, named = (
        replace(verdict(), also=(other,))
        for other in (choice(), choice(), choice(value=1.2), choice(name="another rung"))
    )

    assert same_verdict(one, same)
    assert not any(same_verdict(one, other) for other in (moved, named, verdict()))


def test_files_are_written_byte_for_byte_as_they_were_read(tmp_path):
    """Those of the repository, whichever classes read and write them."""
    results = Path(__file__).parents[2] / "results"
    verdicts = load_verdicts(results)
    for path in (results / "verdicts").glob("*.json"):
        text = path.read_text(encoding="utf-8")
        _write(tmp_path / path.name, path.stem, {claim: verdicts[claim] for claim in json.loads(text)["verdicts"]})

        assert text == (tmp_path / path.name).read_text(encoding="utf-8")


def test_an_estimate_of_numpys_numbers_is_spelled():
    """Counts and means of tables are such numbers; a notebook hands them on as it has them."""
    plain = verdict_as_plain(verdict(estimate=Estimate(np.float64(1.5), 1, 2, n=np.int64(3))))

    assert ["outcome", "estimate", "reason", "scope", "notebook", "date"] == list(plain)
    assert ("supported", 1.5, 3) == (plain["outcome"], plain["estimate"]["value"], plain["estimate"]["n"])


def test_a_rerun_without_news_changes_no_file(tmp_path):
    keep_verdicts(tmp_path, "chapter", [verdict()])
    file = tmp_path / "verdicts" / "chapter.json"
    before = file.stat().st_mtime_ns

    assert [] == keep_verdicts(tmp_path, "chapter", [verdict(value=1.0 + 1e-9)])
    assert before == file.stat().st_mtime_ns


def test_rounding_errors_of_two_processors_are_the_same_and_small_numbers_are_not():
    """A theorem's estimate may be the rounding error alone; a small effect is no such thing."""
    error, other, effect, twice = (
        verdict(estimate=Estimate.exact(value)) for value in (5.3e-16, 8.9e-16, 1e-11, 2e-11)
    )

    assert same_verdict(error, other)
    assert not same_verdict(effect, twice)
    assert not same_verdict(error, effect)


def test_a_change_of_outcome_is_logged_once(tmp_path):
    for outcome in (Outcome.OPEN, Outcome.OPEN, Outcome.REFUTED):
        keep_verdicts(tmp_path, "chapter", [verdict(outcome)])

    assert [(None, "open"), ("open", "refuted")] == [(c.before, c.after) for c in load_changelog(tmp_path)]


def test_processes_that_keep_verdicts_of_one_chapter_at_once_lose_none(tmp_path):
    """Each reads the file, adds its own and writes it: they take turns."""
    program = (
        f"import sys; sys.path[:0] = {ROOMS}\nfrom pathlib import Path\n"
        "from bookkeeping.test_verdict_files import keep_verdicts, replace, verdict\nsys.stdin.read(1)\n"
        "names = [f'{sys.argv[1]}-{n}' for n in range(8)]\n"
        "verdicts = [replace(verdict(claim=name), notebook=name) for name in names]\n"
        f"[keep_verdicts(Path({str(tmp_path)!r}), 'chapter', [one]) for one in verdicts]"
    )
    keepers = [subprocess.Popen([sys.executable, "-c", program, str(n)], stdin=subprocess.PIPE) for n in range(3)]
    for keeper in keepers:
        keeper.communicate(b"x")

    assert [0] * 3 == [keeper.returncode for keeper in keepers]
    assert 24 == len(load_verdicts(tmp_path)) == len(load_changelog(tmp_path))
    assert {"chapter.json", "changelog.jsonl"} == {path.name for path in (tmp_path / "verdicts").iterdir()}


def test_a_kill_between_changelog_and_verdicts_costs_neither(tmp_path, monkeypatch):
    """The rerun writes what is missing, and logs nothing twice."""
    with monkeypatch.context() as patch:
        patch.setattr(verdict_files, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            keep_verdicts(tmp_path, "chapter", [verdict()])
    keep_verdicts(tmp_path, "chapter", [verdict()])

    assert ["c"] == list(load_verdicts(tmp_path))
    assert [(None, "supported")] == [(change.before, change.after) for change in load_changelog(tmp_path)]


def test_a_full_disk_leaves_verdicts_and_changelog_as_they_were(tmp_path, monkeypatch):
    keep_verdicts(tmp_path, "chapter", [verdict()])
    before = {path.name: path.read_bytes() for path in (tmp_path / "verdicts").iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        keep_verdicts(tmp_path, "chapter", [verdict(Outcome.REFUTED)])

    assert before == {path.name: path.read_bytes() for path in (tmp_path / "verdicts").iterdir()}


def test_a_torn_line_of_the_changelog_is_named(tmp_path):
    keep_verdicts(tmp_path, "chapter", [verdict()])
    log = tmp_path / "verdicts" / "changelog.jsonl"
    log.write_text(log.read_text() + log.read_text()[:30])
    with pytest.raises(ValueError, match=r"changelog\.jsonl, line 2 is no change .* restore"):
        load_changelog(tmp_path)


def test_a_verdict_that_its_notebook_no_longer_gives_leaves_the_file(tmp_path):
    """Be it that the claim left the page or that a gate now calls it untested; other pages' and scales' stay."""
    elsewhere = replace(verdict(claim="elsewhere"), notebook="another")
    larger = verdict(claim="dropped", scale=Scale.GPU)
    keep_verdicts(tmp_path, "chapter", [verdict(claim=name) for name in ("kept", "dropped", "gated")])
    keep_verdicts(tmp_path, "chapter", [larger])
    keep_verdicts(tmp_path, "chapter", [elsewhere])

    keep_verdicts(tmp_path, "chapter", [verdict(claim="kept"), verdict(Outcome.UNTESTED, claim="gated")])

    left = {(claim, scale) for claim, by_scale in load_verdicts(tmp_path).items() for scale in by_scale}
    assert {("kept", "cpu"), ("dropped", "gpu"), ("elsewhere", "cpu")} == left
    withdrawn = [c for c in load_changelog(tmp_path) if c.after == "untested"]
    assert {("dropped", "supported"), ("gated", "supported")} == {(c.claim, c.before) for c in withdrawn}


def test_other_claims_and_scales_of_the_file_stay(tmp_path):
    keep_verdicts(tmp_path, "chapter", [verdict(claim="a"), verdict(claim="b")])
    keep_verdicts(tmp_path, "chapter", [verdict(claim="b", scale=Scale.GPU)])

    assert {"a": ["cpu"], "b": ["cpu", "gpu"]} == {c: sorted(by) for c, by in load_verdicts(tmp_path).items()}


def test_an_untested_verdict_is_not_kept(tmp_path):
    keep_verdicts(tmp_path, "chapter", [verdict(Outcome.UNTESTED)])

    assert {} == load_verdicts(tmp_path)


DAMAGE = {
    "cut off": lambda text: text[:40],
    "no estimate": lambda text: text.replace('"estimate"', '"guess"'),
    "no scope": lambda text: text.replace('"scope"', '"scop"'),
    "no low end": lambda text: text.replace('"low"', '"lower"'),
    "another outcome": lambda text: text.replace("supported", "believed"),
    "another scale": lambda text: text.replace('"cpu"', '"tpu"'),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_refused_by_name(tmp_path, kind):
    keep_verdicts(tmp_path, "chapter", [verdict()])
    file = tmp_path / "verdicts" / "chapter.json"
    file.write_text(DAMAGE[kind](file.read_text()))
    with pytest.raises(ValueError, match=r"chapter\.json is no whole verdict file"):
        load_verdicts(tmp_path)


def claim_file(root, low):
    path = root / "experiments" / "x" / "claims.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[c]\nsays = "s"\nholds = {{ low = {low} }}\nrival = 0\n')


def commit(root, message):
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    subprocess.run(["git", *who, "commit", "-qm", message], cwd=root, check=True)


def test_a_region_that_changed_after_its_first_verdict_is_found(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for low, message in ((1, "first"), (2, "still before any verdict")):
        claim_file(tmp_path, low)
        commit(tmp_path, message)
    keep_verdicts(tmp_path / "results", "x", [verdict()])
    commit(tmp_path, "a verdict")
    assert [] == region_changes(tmp_path)

    claim_file(tmp_path, 0.5)
    commit(tmp_path, "Widen the region because the unit was wrong")

    (change,) = region_changes(tmp_path)
    assert ("c", {"low": 2}, {"low": 0.5}) == (change.claim, change.before["holds"], change.after["holds"])
    assert "the unit was wrong" in change.why


def test_without_git_history_nothing_is_claimed(tmp_path):
    assert region_changes(tmp_path) is None
