"""A notebook's whole way: parameters refused or used, verdicts kept, pages derived, drift named."""

from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nbformat
import papermill
import pytest
from tiny_book import CELLS, PARAMETERS, Addends, add, add_with_torch, make_book

from repro.bookkeeping.chapters import (
    Failed,
    Server,
    check,
    compare,
    derive_pages,
    execute,
    execution,
    limits,
    notebooks,
    run,
)
from repro.bookkeeping.chapters.check import Checked
from repro.bookkeeping.chapters.execution import verdicts_of
from repro.bookkeeping.knobs import UnknownParameter
from repro.bookkeeping.ledger.verdict_files import keep_verdicts, load_verdicts
from repro.bookkeeping.records import RecordStore, Trial, record_of
from repro.bookkeeping.records.record import read_record, text_of
from repro.bookkeeping.sweeps import OutOfTime
from repro.floor.provenance import provenance

ROOMS = os.pathsep.join(str(Path(__file__).parents[1] / part) for part in (".", "../src"))


def settle_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Kernels find the tiny book's measurement, keep records in `folder` and compute in their own process."""
    patch.setenv("PYTHONPATH", ROOMS)
    patch.setenv("REPRO_RESULTS", str(folder / "results"))
    patch.setenv("REPRO_ENGINE", "inline")
    patch.setenv("TMPDIR", str(folder))  # where what is left of a failed run lies
    patch.setattr(tempfile, "tempdir", None)
    patch.chdir(folder)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    settle_in(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The tiny book after one run at cpu scale, and what that run gave."""
    folder = tmp_path_factory.mktemp("ran")
    with pytest.MonkeyPatch.context() as patch:
        settle_in(folder, patch)
        return folder, run(make_book(folder), {"scale": "cpu"}, folder / "results")


@pytest.fixture(scope="module")
def again(ran, tmp_path_factory) -> nbformat.NotebookNode:
    """Its notebook, executed once more from those records alone."""
    folder = ran[0]
    with pytest.MonkeyPatch.context() as patch:
        settle_in(folder, patch)
        [tiny] = notebooks(folder / "experiments")
        return execute(tiny, {"scale": "cpu", "compute": "never"}, tmp_path_factory.mktemp("again") / "out.ipynb")


@pytest.fixture
def replayed(again, monkeypatch):
    """Gives a function that execution for the one that it asks for, where what it makes of one is looked at."""

    def replay(notebook, parameters, output, *, server) -> nbformat.NotebookNode:
        assert {"scale": "cpu", "compute": "never"} == parameters
        output.parent.mkdir(parents=True, exist_ok=True)
        return copy.deepcopy(again)

    return lambda function: monkeypatch.setitem(function.__globals__, "execute", replay)


@pytest.fixture
def results(ran, tmp_path) -> Path:
    """The results folder of that run, in a copy of the whole book that is the test's own."""
    shutil.copytree(ran[0], tmp_path, dirs_exist_ok=True)
    return tmp_path / "results"


def test_a_run_keeps_records_and_verdicts_and_a_second_finds_them(ran, again, results):
    verdicts, changes = ran[1].verdicts, ran[1].changes

    assert [("sums-are-large", "supported", 30)] == [(v.claim, v.outcome, v.estimate.value) for v in verdicts]
    assert [(None, "supported")] == [(c.before, c.after) for c in changes]
    assert [] == keep_verdicts(results, "tiny", verdicts_of(again))
    assert 1 == len(list(results.glob("records/add/*.json")))


def test_each_card_of_a_gpu_run_names_the_device_of_its_trials(tmp_path, results):
    """On the page and on file, beside a verdict at scale cpu that stays as it was."""
    before = (results / "verdicts" / "tiny.json").read_text()
    with (tmp_path / "experiments" / "tiny" / "scales.toml").open("a") as scales:
        scales.write('[gpu]\nscope = "sums on a card"\nleft = 100\nright = 200\n')
    [tiny] = notebooks(tmp_path / "experiments")
    [record] = [json.loads(path.read_text()) for path in results.glob("records/add/*.json")]
    card = Trial(add, Addends(100, 200), 0)
    RecordStore(results / "records").put(
        record_of(card, {"sum": 300.0}, {**record["provenance"], "device": "NVIDIA H100"})
    )
    run(tiny, {"scale": "gpu", "compute": "never"}, results, output=tmp_path / "out.ipynb")

    shown = [
        out for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells for out in cell.get("outputs", [])
    ]
    [html] = [out.data["text/html"] for out in shown if "verdict" in out.metadata.get("repro", {})]
    after = load_verdicts(results)["sums-are-large"]
    assert "<dt>Device</dt><dd>NVIDIA H100</dd>" in html
    assert ("", "NVIDIA H100") == (after["cpu"].device, after["gpu"].device)
    assert "device" not in before


def test_runs_that_put_one_page_in_its_place_at_once_do_not_meet(tmp_path):
    """Each writes aside under a name of its own: of one for all, a run took away what another was writing."""
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("words " * 5000)])
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda _: execution.write(page, tmp_path / "page.ipynb"), range(80)))

    assert page == nbformat.read(tmp_path / "page.ipynb", as_version=4)
    assert ["page.ipynb"] == [path.name for path in tmp_path.iterdir()]


def test_a_parameter_it_does_not_have_is_refused_before_anything_starts(tmp_path):
    notebook = make_book(tmp_path)
    with pytest.raises(UnknownParameter, match="did you mean left"):
        execute(notebook, {"lefft": 3}, tmp_path / "out.ipynb")

    assert not (tmp_path / "out.ipynb").exists()


def test_bare_papermill_is_refused_an_unknown_parameter_too(tmp_path):
    notebook = make_book(tmp_path)
    with pytest.raises(papermill.PapermillExecutionError, match="no parameter 'lefft'"):
        papermill.execute_notebook(str(notebook.path), str(tmp_path / "out.ipynb"), {"lefft": 3}, progress_bar=False)


def test_other_knobs_settle_nothing(tmp_path):
    notebook = make_book(tmp_path)

    assert [] == run(notebook, {"scale": "cpu", "left": 5}, tmp_path / "results").verdicts
    assert {} == load_verdicts(tmp_path / "results")


def test_a_knob_that_no_cell_reads_is_refused(tmp_path):
    blind = [cell.replace("study.knobs.right", "2") for cell in CELLS]
    notebook = make_book(tmp_path, blind)
    with pytest.raises(Failed, match="right was given but this notebook never reads it"):
        execute(notebook, {"right": 5}, tmp_path / "out.ipynb")


@pytest.mark.parametrize(
    "death", ["raise ValueError('no')", "import os; os._exit(1)", "import os; os.kill(os.getpid(), 9)"]
)
def test_a_notebook_that_dies_is_no_result(tmp_path, death):
    notebook = make_book(tmp_path, [*CELLS[:3], death, *CELLS[3:]])
    with pytest.raises(Failed, match="did not run to its end"):
        run(notebook, {"scale": "cpu"}, tmp_path / "results", output=tmp_path / "out.ipynb")

    assert not (tmp_path / "out.ipynb").exists()
    assert {} == load_verdicts(tmp_path / "results")
    assert 1 == len(list((tmp_path / "results").glob("records/add/*.json")))  # what was measured is kept


def test_what_is_on_record_needs_no_torch(tmp_path, monkeypatch):
    """A chapter that trains is derived where torch is absent, as `make book` leaves it; computing says what to do."""
    cells = [cell.replace("add", "add_with_torch") for cell in CELLS]
    notebook = make_book(tmp_path, [*cells, "study.sweep(add_with_torch, [Addends(11, 20)])"])
    made = {**provenance(), "date": "2026-01-01", "seconds": 0.1}
    record = record_of(Trial(add_with_torch, Addends(10, 20), 0), {"sum": 30.0}, made)
    RecordStore(tmp_path / "results" / "records").put(record)
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOMS}")

    with pytest.raises(Failed, match="needs torch, which is not installed here; `make setup`") as failed:
        execute(notebook, {"scale": "cpu"}, tmp_path / "out.ipynb")

    *looked_up, computed = nbformat.read(str(failed.value).rpartition(": ")[2], as_version=4).cells
    assert [] == [out for cell in looked_up for out in cell.get("outputs", []) if out.output_type == "error"]
    assert ["supported"] == [verdict.outcome for verdict in verdicts_of(nbformat.v4.new_notebook(cells=looked_up))]
    assert "error" in [out.output_type for out in computed.outputs]


def test_a_notebook_that_does_not_close_is_no_result(tmp_path):
    notebook = make_book(tmp_path, CELLS[:-1])
    with pytest.raises(Failed, match="left no mark"):
        execute(notebook, {}, tmp_path / "out.ipynb")


def test_a_cell_over_its_limit_is_stopped(tmp_path):
    notebook = make_book(tmp_path, ["import time; time.sleep(60)", *CELLS])
    with pytest.raises(Failed, match="did not run to its end"):
        execute(notebook, {}, tmp_path / "out.ipynb", cell_limit=2)


def test_once_the_time_is_over_no_notebook_is_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_UNTIL", "1")
    with pytest.raises(OutOfTime, match="it was not begun"):
        execute(make_book(tmp_path), {}, tmp_path / "out.ipynb")


def test_what_does_not_hear_that_its_time_is_over_is_killed(tmp_path, monkeypatch):
    """A process busy in a library hears no interrupt; here it is busy outside of any sweep."""
    monkeypatch.setattr(limits, "GRACE", 0.0)
    monkeypatch.setenv("REPRO_UNTIL", str(time.time() + 5))
    with pytest.raises(OutOfTime, match="did not hear that its time is over"):
        execute(make_book(tmp_path, ["import time; time.sleep(600)", *CELLS]), {}, tmp_path / "out.ipynb")

    assert [] == [left for left in tmp_path.iterdir() if left.name.startswith("repro-")]


def test_told_to_go_on_a_notebook_measures_what_comes_after_a_cell_that_raises_and_fails(tmp_path):
    """So an estimate that cannot be had keeps no later sweep from its records; and no verdict can come of it."""
    notebook = make_book(tmp_path, [*CELLS[:2], "raise ValueError('no interval')", "1 / 0", *CELLS[2:]])
    with pytest.raises(Failed, match=r"ValueError: no interval; ZeroDivisionError: division by zero\n"):
        execute(notebook, {"scale": "cpu"}, tmp_path / "out.ipynb", go_on=True)

    assert not (tmp_path / "out.ipynb").exists()
    assert 1 == len(list((tmp_path / "results").glob("records/add/*.json")))


def test_pages_come_from_records_alone_and_only_when_something_changed(tmp_path, results, replayed):
    told = []
    [page] = derive_pages(tmp_path, results, tmp_path / "pages", tell=told.append)
    first = page.read_bytes()
    derive_pages(tmp_path, results, tmp_path / "pages", tell=told.append)
    replayed(derive_pages)
    [other] = derive_pages(tmp_path, results, tmp_path / "elsewhere")

    assert ["tiny: derived at scale cpu", "tiny: up to date at scale cpu"] == told
    assert first == page.read_bytes()
    assert first == other.read_bytes()  # a page derived twice is the same page


def test_a_page_that_settles_nothing_is_shown_at_the_largest_scale_on_record(tmp_path, results):
    """Planted: its verdicts are gone, its trials at scale cpu are not, until one is."""
    (results / "verdicts" / "tiny.json").unlink()
    told = []
    derive_pages(tmp_path, results, tmp_path / "pages", tell=told.append)
    for path in results.glob("records/add/*.json"):
        path.unlink()
    derive_pages(tmp_path, results, tmp_path / "elsewhere", tell=told.append)

    assert ["tiny: derived at scale cpu", "tiny: derived at scale smoke"] == told


def test_two_tasks_run_at_a_time_and_answer_in_their_order(monkeypatch):
    monkeypatch.setattr(execution, "cores", lambda: 2)
    both = threading.Barrier(2)  # lets neither pass alone

    def work(server: Server, number: int) -> int:
        both.wait(timeout=10)
        return number

    assert [3, 1, 4, 2] == execution.side_by_side(work, [3, 1, 4, 2])


def test_check_is_clean_after_a_run_and_names_a_verdict_that_was_edited(tmp_path, results, replayed):
    replayed(check)
    assert Checked([], []) == check(tmp_path, results)

    file = results / "verdicts" / "tiny.json"
    file.write_text(file.read_text().replace('"value": 30.0', '"value": 31.0'))

    (drift,) = check(tmp_path, results).drifts
    assert "sums-are-large at cpu" in str(drift)


def test_a_planted_record_that_turns_an_outcome_takes_the_sentence_with_it_and_fails_the_check(tmp_path, results):
    """The page says that sums are large while that is supported; its record then says that the sum is naught."""
    book = tmp_path / "experiments" / "tiny" / "tiny.ipynb"
    notebook = nbformat.read(book, as_version=4)
    told = 'study.tell("Sums are large: {sums-are-large:bare}.", while_={"sums-are-large": "supported"})'
    notebook.cells.insert(-1, nbformat.v4.new_code_cell(told))
    nbformat.write(notebook, book)
    assert [] == check(tmp_path, results).outlived
    [page] = derive_pages(tmp_path, results, tmp_path / "pages")
    assert "Sums are large: 30." in page.read_text()

    for path in results.glob("records/add/*.json"):
        record = read_record(path)
        path.write_text(text_of(replace(record, numbers={"sum": 0.0})))
    [page] = derive_pages(tmp_path, results, tmp_path / "pages")

    assert "Sums are large: " not in "".join(cell.source for cell in nbformat.read(page, as_version=4).cells)
    assert ["tiny: sums-are-large is refuted, exact, not supported"] == check(tmp_path, results).outlived


def test_an_answer_whose_claims_are_not_judged_any_more_fails_the_check(tmp_path, results):
    """Planted: it stands before its claim is settled, as if that had been left out."""
    book = tmp_path / "experiments" / "tiny" / "tiny.ipynb"
    notebook = nbformat.read(book, as_version=4)
    place = next(number for number, cell in enumerate(notebook.cells) if "settle" in cell.source)
    told = 'study.in_short("Sums are large.", while_={"sums-are-large": "supported"})'
    notebook.cells.insert(place, nbformat.v4.new_code_cell(told))
    nbformat.write(notebook, book)

    assert ["tiny: sums-are-large is untested, not supported"] == check(tmp_path, results).outlived


def test_a_check_of_named_pages_looks_at_their_verdicts_alone(tmp_path, results, replayed):
    replayed(check)
    file = results / "verdicts" / "tiny.json"
    file.write_text(file.read_text().replace('"value": 30.0', '"value": 31.0'))
    other = make_book(tmp_path, name="other")
    [tiny] = [notebook for notebook in notebooks(tmp_path / "experiments") if notebook != other]

    assert (0, 1) == tuple(len(check(tmp_path, results, [one]).drifts) for one in (other, tiny))


def test_a_missing_record_fails_the_check_and_is_not_computed(tmp_path, results):
    for record in results.glob("records/add/*.json"):
        record.unlink()
    with pytest.raises(Failed, match="MissingRecords"):
        check(tmp_path, results)


def test_a_readers_rerun_is_same_drift_or_flip(tmp_path, results):
    book, reader = results, tmp_path / "mine"
    shutil.copytree(book, reader)
    file = reader / "verdicts" / "tiny.json"
    plain = json.loads(file.read_text())
    estimate = plain["verdicts"]["sums-are-large"]["cpu"]

    def agreement():
        file.write_text(json.dumps(plain))
        return compare(book, reader)[0].agreement

    assert "same" == agreement()
    estimate["estimate"] |= {"value": 40.0, "low": 39.0, "high": 41.0}
    assert "drift" == agreement()
    estimate["outcome"] = "refuted"
    assert "flip" == agreement()


def test_the_parameters_cell_alone_says_what_can_be_set(tmp_path):
    known = papermill.inspect_notebook(str(make_book(tmp_path).path))

    assert [line.split(" = ")[0] for line in PARAMETERS.splitlines()] == list(known)
