"""A campaign: its slices in order, whatever becomes of one; what it measured survives a kill and is measured once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from ordeal import diary_of, trial
from tiny_book import CELLS, make_book
from typer.testing import CliRunner

from repro.bookkeeping.archive import unpacked
from repro.bookkeeping.campaign import Luggage, choose, course, load_slices, luggage, refuse_unfit_knobs
from repro.bookkeeping.campaign.slices import notebook_of
from repro.bookkeeping.ledger import load_chapter
from repro.bookkeeping.records import RecordStore, merge, record_of, record_paths
from repro.cli import app

TESTS, HERE = Path(__file__).parents[1], Path(__file__).parents[2]
ROOMS = os.pathsep.join([str(TESTS), str(HERE / "src")])
SLICE = """
[[slice]]
notebook = "{name}"
within = {within}
engine = "inline"
settles = ["sums-are-large"]
operations = 3e12
flops_per_second = 1e12
launches = 200_000
"""


def declare(root: Path, **limits: float) -> None:
    """Write a campaign of these notebooks, each with its limit in seconds."""
    text = "".join(SLICE.format(name=name, within=within) for name, within in limits.items())
    (root / "experiments" / "campaign.toml").write_text(text)


def settle_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Kernels find the tests' measurements, and all that is written lies in `folder`."""
    for name, place in {"RESULTS": "results", "CHECKPOINTS": "checkpoints"}.items():
        patch.setenv(f"REPRO_{name}", str(folder / place))
    patch.setenv("PYTHONPATH", ROOMS)
    patch.setenv("TMPDIR", str(folder))  # where what is left of a failed slice lies
    patch.setattr(tempfile, "tempdir", None)
    patch.chdir(folder)


def weights(name: str, size: int) -> str:
    """A cell that leaves weights of some bytes, as a training does."""
    return (
        "from repro.floor import places\n"
        f"place = places.checkpoints() / 'weights' / '{name}.safetensors'\n"
        f"place.parent.mkdir(parents=True, exist_ok=True)\nplace.write_bytes(bytes({size}))"
    )


@pytest.fixture(scope="module")
def held(tmp_path_factory) -> SimpleNamespace:
    """A campaign of a notebook that fails, one that is whole, one that never ends and one for which no time is left."""
    root = tmp_path_factory.mktemp("held")
    make_book(root, [*CELLS[:2], "raise ValueError('no interval')", *CELLS[2:]], name="fails")
    make_book(root, [weights("small", 100), weights("large", luggage.LARGEST_WEIGHTS + 1), *CELLS], name="whole")
    stuck = "from ordeal import Ordeal, ordeal\nstudy.sweep(ordeal, [Ordeal(1), Ordeal(2, 'stuck')])"
    make_book(root, [*CELLS[:2], stuck, *CELLS[2:]], name="stuck")
    make_book(root, name="late")
    declare(root, fails=60, whole=60, stuck=12, late=0.5)
    with pytest.MonkeyPatch.context() as patch:
        settle_in(root, patch)
        patch.setattr(course, "LEAST", 1.0)
        ended = CliRunner().invoke(app, ["campaign", "--scale", "cpu", "--within", "10min", "--to", "home", "--json"])
        log = [json.loads(line) for line in (root / "home" / "log.jsonl").read_text().splitlines()]
    return SimpleNamespace(root=root, ended=ended, log=log, entries={entry["notebook"]: entry for entry in log})


def names_in(archive: Path) -> list[str]:
    with tarfile.open(archive) as opened:
        return opened.getnames()


def test_a_slice_that_fails_or_is_out_of_time_does_not_stop_those_after_it(held):
    assert ["fails", "whole", "stuck", "late"] == [entry["notebook"] for entry in held.log]
    assert ["failed", "whole", "out of time", "not begun"] == [entry["ended"] for entry in held.log]
    assert 2 == held.ended.exit_code
    assert held.log == json.loads(held.ended.stdout)
    assert "fails: failed, " in held.ended.stderr


def test_the_log_says_what_each_slice_took_beside_what_was_predicted(held):
    assert {5.0} == {entry["predicted_seconds"] for entry in held.log}  # 3 s of operations, 2 s of launches
    assert [True, True, True, False] == [entry["seconds"] > 0.1 for entry in held.log]
    assert held.entries["stuck"]["seconds"] < 12 + luggage.EVERY
    assert "1 of 2 trials of ordeal are on record" == held.entries["stuck"]["told"]


def test_a_failed_cell_keeps_no_later_sweep_from_being_measured_and_no_verdict_is_kept(held):
    """The failed notebook made the record of its last sweep, so the whole one found it."""
    assert "ValueError: no interval" in held.entries["fails"]["told"]
    assert [1, 0, 1, 0] == [entry["records"] for entry in held.log]
    assert not (held.root / "results" / "verdicts").exists()


def test_the_archive_and_the_small_weights_come_home(held):
    made = [path.relative_to(held.root / "results").as_posix() for path in (held.root / "results").rglob("*.json")]

    assert 2 == len(made)
    assert sorted(made) == sorted(names_in(held.root / "home" / "records.tar.gz"))
    assert ["small.safetensors"] == [path.name for path in (held.root / "home" / "weights").iterdir()]


def test_the_plan_counts_what_is_on_record_and_runs_nothing(held, monkeypatch):
    settle_in(held.root, monkeypatch)
    before = (held.root / "home" / "log.jsonl").read_text()
    words = ["campaign", "whole", "stuck", "--scale", "cpu", "--to", "home", "--plan", "--json"]
    planned = CliRunner().invoke(app, words, env={"COLUMNS": "120"})

    whole, stuck = [one["on_record"] for one in json.loads(planned.stdout)]
    assert {"recorded": 1, "wanted": 1, "whole": True} == whole
    assert {"recorded": 2, "wanted": 3, "whole": False} == stuck  # one of two in a sweep, and all of another's one
    assert re.search(r"stuck .* 3\.0e\+12 .* 2\.0e\+05 .* 5 s .* 12 s .* 2 of 3\+", planned.stderr)
    assert "whole settles sums-are-large." in planned.stderr
    assert before == (held.root / "home" / "log.jsonl").read_text()


GATED = """
from ordeal import Ordeal, ordeal
study.sweep(ordeal, [Ordeal(0), Ordeal(1, {fate!r}), Ordeal(2)], seeds=[{seed}])
"""
KILLED = """
from repro.bookkeeping.campaign import luggage
luggage.EVERY = 0.1
from repro.cli import app
app(["campaign", "--scale", "cpu", "--within", "1h", "--to", "home"])
"""


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL])
def test_a_campaign_that_is_killed_is_taken_up_on_another_machine_by_what_it_brought_home(
    tmp_path, monkeypatch, number
):
    """Half way through its second slice. The other machine makes what is missing, and nothing twice."""
    diary, gate, archive = tmp_path / "diary", tmp_path / "gate", tmp_path / "home" / "records.tar.gz"
    gate.touch()
    settle_in(tmp_path, monkeypatch)
    monkeypatch.setenv("ORDEAL_DIARY", str(diary))
    monkeypatch.setenv("ORDEAL_GATE", str(gate))
    for seed, (name, fate) in enumerate({"first": "measured", "second": "gated"}.items()):
        make_book(tmp_path, [*CELLS[:2], GATED.format(fate=fate, seed=seed), *CELLS[2:]], name=name)
    declare(tmp_path, first=300, second=300)
    running = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(diary_of(diary)) < 5 or not archive.exists() or len(names_in(archive)) < 5:
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(number)
    assert 0 != running.wait(timeout=60)

    with unpacked(archive) as folder:
        report = merge(folder, tmp_path / "taken")
    assert (5, [], []) == (report.new, report.conflicting, report.malformed)

    gate.unlink()
    monkeypatch.setenv("REPRO_RESULTS", str(tmp_path / "other"))
    ended = CliRunner().invoke(app, ["campaign", "--scale", "cpu", "--to", "home"])

    assert 0 == ended.exit_code, ended.output
    assert {(1, 1): 2} == {begun: times for begun, times in Counter(diary_of(diary)).items() if times > 1}
    assert 7 == len(names_in(archive)) == len(list(record_paths(tmp_path / "other" / "records")))


def test_weights_that_were_brought_along_are_found_by_their_key(tmp_path):
    store = RecordStore(tmp_path / "records")
    (tmp_path / "home" / "weights").mkdir(parents=True)
    (tmp_path / "home" / "weights" / "key.safetensors").write_bytes(b"weights")
    Luggage(tmp_path / "home", store, tmp_path / "checkpoints" / "weights").pack()

    assert b"weights" == (tmp_path / "checkpoints" / "weights" / "key.safetensors").read_bytes()


def test_the_archive_holds_what_campaigns_made_and_not_what_the_checkout_had(tmp_path):
    """Also where a second one, on the same machine, adds to the first one's."""
    store = RecordStore(tmp_path / "records")
    store.put(record_of(trial(1), {"sum": 1.0}, {}))
    for made in (2, 3):
        opened = Luggage(tmp_path / "home", store, tmp_path / "weights")
        store.put(record_of(trial(made), {"sum": 2.0}, {}))
        opened.pack()

    assert {f"records/ordeal/{trial(made).key}.json" for made in (2, 3)} == set(names_in(opened.archive))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("within = 0", "slice 1 .tiny.: within: Input should be greater than 0"),
        ("engine = 'dask'", "'dask' is no engine; expected one of pool, inline, batched, ray"),
        ("settles = []", "settles: .*at least 1 item"),
        ("opertions = 1", "opertions: Extra inputs are not permitted"),
        ("notebook = 'tinny'", "no notebook 'tinny'; did you mean tiny"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_with_its_place(tmp_path, line, words):
    make_book(tmp_path)
    declare(tmp_path, tiny=60)
    path = tmp_path / "experiments" / "campaign.toml"
    other = [kept for kept in path.read_text().splitlines() if kept.split(" = ")[0] != line.split(" = ")[0]]
    path.write_text("\n".join([*other, line]))

    with pytest.raises((ValueError, LookupError), match=words):
        load_slices(path)


def test_slices_are_chosen_by_notebook_in_the_order_declared(tmp_path):
    for name in ("one", "two", "three"):
        make_book(tmp_path, name=name)
    declare(tmp_path, one=60, two=60, three=60)
    slices = load_slices(tmp_path / "experiments" / "campaign.toml")

    assert ["one", "three"] == [one.notebook for one in choose(slices, ["three", "one"])]
    assert slices == choose(slices, [])
    with pytest.raises(LookupError, match="no slice 'thre'; did you mean three"):
        choose(slices, ["thre"])


SLICES = load_slices(HERE / "experiments" / "campaign.toml")


def test_the_books_own_slices_have_knobs_and_scale_of_their_notebooks():
    refuse_unfit_knobs(SLICES, HERE / "experiments", "gpu")


@pytest.mark.parametrize("one", SLICES, ids=lambda one: one.notebook)
def test_a_slice_settles_claims_of_its_chapter_that_its_notebook_settles(one):
    """Each cell that settles by an interval has swept before: a campaign goes on with the next where one raises."""
    notebook = notebook_of(one, HERE / "experiments")
    cells = [cell.source for cell in nbformat.read(notebook.path, as_version=4).cells if cell.cell_type == "code"]
    settled = {
        name
        for cell in cells
        if "settle(" in cell or "study.settle" in cell
        for name in re.findall(r'"([\w-]+)"', cell)
    }

    assert set() == set(one.settles) - set(load_chapter(notebook.path.parent / "claims.toml"))
    assert set() == set(one.settles) - settled
    assert len(one.settles) == len(set(one.settles))
    assert [] == [cell for cell in cells if "study.sweep(" in cell.partition("study.settle(")[2]]
