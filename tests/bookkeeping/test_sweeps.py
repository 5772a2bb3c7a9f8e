"""Sweeps: every trial once, a failure costs itself alone, and no engine changes a number."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from io import StringIO
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordeal import Ordeal, Start, diary_of, of_a_notebook, ordeal, trial

from repro.bookkeeping.records import RecordStore, merge, record_of
from repro.bookkeeping.sweeps import (
    EngineSettings,
    Incomplete,
    MissingRecords,
    OutOfTime,
    SweepFailed,
    progress,
    seconds_of,
    sweep,
)
from repro.bookkeeping.sweeps.engines import THREADS, by_name, cores, threads_each
from repro.bookkeeping.sweeps.sweep import in_shard

INLINE, POOL = EngineSettings("inline"), EngineSettings("pool", jobs=2)
ROOMS = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]


@pytest.fixture
def diary(tmp_path, monkeypatch) -> Path:
    """The file in which each started trial leaves a line."""
    monkeypatch.setenv("ORDEAL_DIARY", str(tmp_path / "diary"))
    return tmp_path / "diary"


@pytest.fixture
def store(tmp_path) -> RecordStore:
    return RecordStore(tmp_path / "records")


def numbers(*given: int) -> list[Ordeal]:
    return [Ordeal(number) for number in given]


def test_one_row_a_trial_in_the_order_given(store):
    configs = [Ordeal(3, start=Start(width=16)), Ordeal(1), Ordeal(2, "diverged")]
    table = sweep(ordeal, configs, seeds=(1, 0), store=store, settings=INLINE).table

    assert [(3, 1), (3, 0), (1, 1), (1, 0), (2, 1), (2, 0)] == list(zip(table["number"], table["seed"], strict=True))
    assert ["Start", "Start", None, None] == [kind if isinstance(kind, str) else None for kind in table["start"][:4]]
    assert [16, 16] == list(table["start.width"][:2])
    assert [False] * 4 + [True] * 2 == list(table["diverged"])
    assert [False] * 4 + [True] * 2 == list(table["sum"].isna())


def test_a_trial_given_twice_is_run_once_and_shown_twice(store, diary):
    table = sweep(ordeal, numbers(1, 2, 1), store=store, settings=INLINE).table

    assert [(1, 0), (2, 0)] == diary_of(diary)
    assert [1, 2, 1] == list(table["number"])
    assert table["sum"][0] == table["sum"][2]


def test_a_second_sweep_runs_exactly_what_is_missing(store, diary):
    first = sweep(ordeal, numbers(1, 3), store=store, settings=INLINE).table
    diary.unlink()
    second = sweep(ordeal, numbers(1, 2, 3, 4), store=store, settings=INLINE).table

    assert [(2, 0), (4, 0)] == diary_of(diary)
    assert list(first["sum"]) == list(second["sum"][[0, 2]])


def test_where_computing_is_forbidden_missing_records_are_counted_and_named(store, diary):
    sweep(ordeal, numbers(5), store=store, settings=INLINE)
    diary.unlink()
    with pytest.raises(MissingRecords, match=r"^2 of 3 trials of ordeal.*number=6.*seed 0.*repro run"):
        sweep(ordeal, numbers(5, 6, 7), store=store, compute="never")

    assert [] == diary_of(diary)
    assert 1 == len(sweep(ordeal, numbers(5), store=store, compute="never").table)


def test_trials_that_time_themselves_run_one_at_a_time(store, monkeypatch):
    asked: list[int] = []
    monkeypatch.setitem(by_name, "pool", lambda work, settings: asked.append(settings.jobs) or (_ for _ in ()))
    for measured in (ordeal, dataclasses.replace(ordeal, alone=True)):
        with pytest.raises(Incomplete):  # the planted engine runs nothing
            sweep(measured, numbers(1, 2), store=store, settings=POOL)

    assert [2, 1] == asked


def test_a_mistyped_compute_is_refused(store):
    with pytest.raises(ValueError, match="'nevr'; expected 'missing'"):
        sweep(ordeal, numbers(1), store=store, compute="nevr")


def test_a_divergence_is_a_result_and_is_not_tried_again(store, diary):
    for _ in range(2):
        sweep(ordeal, [Ordeal(1, "diverged")], store=store, settings=INLINE)

    assert "loss above 1e9 at step 3" == store.get(trial(1, fate="diverged")).reason
    assert [(1, 0)] == diary_of(diary)


@pytest.mark.parametrize("fate, told", [("raised", "number 2 was planted to fail"), ("huge", "at most 16384")])
def test_a_failure_costs_its_own_trial_and_is_tried_again(store, diary, fate, told):
    configs = [Ordeal(1), Ordeal(2, fate), Ordeal(3)]
    for expected in ([(1, 0), (2, 0), (3, 0)], [(2, 0)]):
        with pytest.raises(SweepFailed, match=rf"(?s)1 of {len(expected)} trials failed.*number=2.*{told}"):
            sweep(ordeal, configs, store=store, settings=INLINE)
        assert expected == diary_of(diary)
        diary.unlink()


def test_a_pool_loses_the_trials_that_die_hang_or_raise_and_no_other(store):
    """A real pool: a worker that exits, one that never ends, two that raise, among trials that are well.

    A TimeoutError of the trial's own is not taken for the time limit.
    """
    fates = ["measured", "dead", "measured", "stuck", "raised", "measured", "diverged", "unreachable", "measured"]
    configs = [Ordeal(number, fate) for number, fate in enumerate(fates)]
    began = time.monotonic()
    with pytest.raises(SweepFailed) as failed:
        sweep(ordeal, configs, store=store, settings=EngineSettings("pool", jobs=2, time_limit=4))

    assert time.monotonic() - began < 60  # the stuck one would sleep for ten minutes
    well = [store.get(trial(number, fate=fate)) is not None for number, fate in enumerate(fates)]
    assert [fate in ("measured", "diverged") for fate in fates] == well
    for told in ("4 of 9 trials", "exit code 7", "longer than 4 s", "number 4 was planted", "a server did not"):
        assert told in str(failed.value)


@pytest.mark.parametrize("settings", [INLINE, EngineSettings("pool", jobs=1)], ids=["here", "in a worker"])
def test_a_long_message_keeps_its_first_line_and_its_last(store, settings):
    """Torch's longest errors end in lists of backends, of which the last lines tell nothing."""
    with pytest.raises(SweepFailed) as failed:
        sweep(ordeal, [Ordeal(1, "verbose")], store=store, settings=settings)

    told = str(failed.value).splitlines()
    assert "NotImplementedError: number 1 has no kernel" in told
    assert ["backend 28", "backend 29"] == told[-2:]
    assert len(told) < 20


@pytest.mark.parametrize("in_use", [True, False])
def test_a_trial_on_a_gpu_begins_with_the_memory_of_the_last_one_given_back(store, monkeypatch, in_use):
    """Where no trial has used the GPU, it is not woken for that: a forked process could not use it any more."""
    emptied: list[int] = []
    cuda = SimpleNamespace(is_initialized=lambda: in_use, empty_cache=lambda: emptied.append(1))
    cuda.is_available = lambda: False
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    sweep(ordeal, numbers(1, 2), store=store, settings=INLINE)

    assert (2 if in_use else 0) == len(emptied)


SIX = [Ordeal(0, patience=0.2), *numbers(*range(1, 6))]


@pytest.fixture(scope="module")
def pooled(tmp_path_factory) -> RecordStore:
    """The records of six trials in a real pool of two workers, where nobody chose a number of threads."""
    store = RecordStore(tmp_path_factory.mktemp("pooled"))
    with pytest.MonkeyPatch.context() as patch:
        for name in THREADS:
            patch.delenv(name, raising=False)
        sweep(ordeal, SIX, store=store, settings=POOL)
        assert "OMP_NUM_THREADS" not in os.environ  # what workers were told is told to nobody else
    return store


def test_engines_and_shards_give_the_same_numbers(tmp_path, pooled):
    """Where a trial ran is provenance; it may change no number."""
    folders = {name: tmp_path / name for name in ("inline", "first", "second")}
    here = sweep(ordeal, SIX, store=RecordStore(folders["inline"]), settings=INLINE).table
    for index, name in enumerate(("first", "second"), start=1):
        with pytest.raises(Incomplete, match="3 of 6 trials of ordeal belong to other shards"):
            sweep(ordeal, SIX, store=RecordStore(folders[name]), settings=EngineSettings("inline", shard=(index, 2)))
    merge(folders["second"], folders["first"])
    for elsewhere in (pooled, RecordStore(folders["first"])):
        there = sweep(ordeal, SIX, store=elsewhere, compute="never").table
        pd.testing.assert_frame_equal(here, there, check_exact=True)


def test_provenance_holds_what_was_used(pooled):
    """Workers of a pool share the cores, and the record says how many threads each was given."""
    made = pooled.get(trial(0, patience=0.2)).provenance

    assert str(max(1, cores() // 2)) == made["threads"]
    assert 0.2 <= made["seconds"] < 60
    assert made["cpu_seconds"] <= made["seconds"] + 0.1
    assert {"numpy", "pandas"} <= set(made["packages"])
    assert {"commit", "device", "date", "python", "system", "cores"} <= set(made)


def test_a_chosen_number_of_threads_stays_chosen(monkeypatch):
    """One thread asked of OpenMP is not answered with two of MKL, which torch would take."""
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with threads_each(2):
        assert {"OMP_NUM_THREADS": "1"} == {name: os.environ[name] for name in THREADS if name in os.environ}


def test_an_interrupted_sweep_keeps_what_was_finished(store):
    with pytest.raises(KeyboardInterrupt, match="2 of 4 trials of ordeal are on record; a rerun runs the others"):
        sweep(ordeal, [*numbers(1, 2), Ordeal(3, "interrupted"), Ordeal(4)], store=store, settings=INLINE)

    assert [True, True, False] == [store.get(trial(number)) is not None for number in (1, 2, 4)]


ENGINES = ["inline", "batched", pytest.param("pool", marks=pytest.mark.slow)]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_runs_when_the_time_is_over_is_ended_and_what_was_measured_is_kept(store, engine):
    """The first trial ends, the second never would; the third is not begun."""
    configs = [Ordeal(1), Ordeal(2, "stuck"), Ordeal(3)]
    settings = EngineSettings(engine, jobs=1, until=time.time() + (10 if engine == "pool" else 0.5))
    with pytest.raises(OutOfTime, match=r"^1 of 3 trials of ordeal are on record$"):
        sweep(ordeal, configs, store=store, settings=settings)

    assert time.time() - settings.until < 5
    assert [True, False] == [store.get(trial(number)) is not None for number in (1, 3)]
    assert [] == list(store.folder.rglob("*.draft"))


@pytest.mark.parametrize("engine", ENGINES)
def test_no_trial_is_begun_without_time_for_one_like_the_last(store, diary, engine):
    """Half of the time goes with the first, so that another one would not end in what is left."""
    patience, margin = (2.0, 8.0) if engine == "pool" else (0.4, 0.0)  # a worker's first seconds load libraries
    configs = [Ordeal(1, patience=patience + margin), Ordeal(2, patience=600)]
    until = time.time() + 1.8 * (patience + margin)
    with pytest.raises(OutOfTime, match="1 of 2"):
        sweep(ordeal, configs, store=store, settings=EngineSettings(engine, jobs=1, until=until))

    assert [(1, 0)] == diary_of(diary)
    assert time.time() < until


def test_once_the_time_is_over_nothing_is_begun_and_what_is_on_record_is_looked_up(store, diary):
    sweep(ordeal, numbers(1), store=store, settings=INLINE)
    over = dataclasses.replace(INLINE, until=time.time())
    diary.unlink()

    assert 1 == len(sweep(ordeal, numbers(1), store=store, settings=over).table)
    with pytest.raises(OutOfTime, match="1 of 2 trials of ordeal are on record"):
        sweep(ordeal, numbers(1, 2), store=store, settings=over)
    assert [] == diary_of(diary)


def test_a_sweep_that_ends_in_time_leaves_no_alarm(store):
    before = signal.getsignal(signal.SIGALRM)
    sweep(ordeal, numbers(1), store=store, settings=dataclasses.replace(INLINE, until=time.time() + 60))

    assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_REAL)
    assert before == signal.getsignal(signal.SIGALRM)


def test_a_failure_before_the_time_is_over_is_told_with_what_did_not_end(store):
    configs = [Ordeal(1, "raised"), Ordeal(2, "stuck"), Ordeal(3)]
    with pytest.raises(SweepFailed, match="1 of 3 trials failed and 2 did not end in time"):
        sweep(ordeal, configs, store=store, settings=dataclasses.replace(INLINE, until=time.time() + 0.5))


@pytest.mark.parametrize(
    ("text", "seconds"), [("180s", 180), ("3min", 180), ("180", 180), ("1.5 min", 90), ("1h", 3600), (" 2s ", 2)]
)
def test_a_duration_is_read(text, seconds):
    assert seconds == seconds_of(text)


@pytest.mark.parametrize("text", ["", "0s", "soon", "-3s", "3 m", "1e3", "3min 2s"])
def test_what_is_no_duration_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match=f"{text!r} is no duration; expected .*180s"):
        seconds_of(text)


PROGRAM = """
import sys
from pathlib import Path

sys.path[:0] = {rooms}
from ordeal import Ordeal, ordeal
from repro.bookkeeping.records import RecordStore
from repro.bookkeeping.sweeps import EngineSettings, sweep

if __name__ == "__main__":
    configs = [Ordeal(1), *(Ordeal(number, "stuck") for number in (2, 3, 4))]
    sweep(ordeal, configs, store=RecordStore(Path({folder!r})), settings=EngineSettings("pool", jobs=2))
"""


@pytest.mark.slow
def test_ctrl_c_ends_the_workers_of_a_pool(store, diary):
    script = diary.with_name("script.py")
    script.write_text(PROGRAM.format(rooms=ROOMS, folder=str(store.folder)))
    running = subprocess.Popen(
        [sys.executable, script],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in a background job
    )
    deadline = time.monotonic() + 300
    while store.get(trial(1)) is None or len(diary_of(diary)) < 3:  # the third may start before the first is recorded
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the whole group
    told = running.communicate(timeout=300)[1]

    assert "KeyboardInterrupt: 1 of 4 trials of ordeal are on record" in told
    assert store.get(trial(1)) is not None
    assert [] == [pid for pid in workers(diary) if alive(pid)]


def workers(diary: Path) -> set[int]:
    return {int(line.split()[2]) for line in diary.read_text().splitlines()}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("engine", ["pool", "ray"])
def test_a_measurement_of_a_notebook_runs_in_its_own_process_alone(store, engine):
    cell = of_a_notebook()

    with pytest.raises(ValueError, match=r"defined in a notebook or script.*REPRO_ENGINE=inline"):
        sweep(cell, numbers(1), store=store, settings=EngineSettings(engine))
    assert [1] == list(sweep(cell, numbers(1), store=store, settings=INLINE).table["sum"])


def test_without_ray_the_message_names_the_extra(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'repro\[cluster\]'"):
        sweep(ordeal, numbers(1), store=store, settings=EngineSettings("ray"))


keys = st.sets(st.text("0123456789abcdef", min_size=64, max_size=64), max_size=40)


@given(keys, st.integers(1, 20))
def test_shards_partition_any_work_evenly(work, count):
    shares = [in_shard(work, (index, count)) for index in range(1, count + 1)]

    assert sorted(work) == sorted(chain(*shares))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert sorted(work) == in_shard(work, None)


def test_sweeps_of_one_trial_spread_over_the_shards():
    """A notebook of many small sweeps must not leave all of them to the first shard."""
    owner = Counter(index for n in range(64) for index in range(1, 5) if in_shard([trial(n).key], (index, 4)))

    assert 64 == sum(owner.values())
    assert min(owner[index] for index in range(1, 5)) >= 6


def test_a_shard_does_its_own_share_whatever_is_on_record(store, diary):
    """Two machines may hold different records; their shares must still cover all the work and not overlap."""
    configs = numbers(*range(8))
    mine = set(in_shard([trial(n).key for n in range(8)], (1, 2)))
    sweep(ordeal, configs[:3], store=store, settings=INLINE)
    diary.unlink()
    with pytest.raises(Incomplete):
        sweep(ordeal, configs, store=store, settings=EngineSettings("inline", shard=(1, 2)))

    assert [n for n in range(3, 8) if trial(n).key in mine] == sorted(number for number, _ in diary_of(diary))


def test_settings_come_from_the_environment(monkeypatch):
    for name, value in {"ENGINE": "inline", "JOBS": "3", "SHARD": "3/16", "TIME_LIMIT": "60", "UNTIL": "9.5"}.items():
        monkeypatch.setenv(f"REPRO_{name}", value)

    assert EngineSettings("inline", 3, (3, 16), 60.0, 9.5) == EngineSettings.from_environment(jobs=1)
    monkeypatch.delenv("REPRO_JOBS")
    assert (cores(), 1) == (EngineSettings.from_environment().jobs, EngineSettings.from_environment(jobs=1).jobs)


@pytest.mark.parametrize(
    "name, value",
    [
        ("ENGINE", "dask"),
        ("JOBS", "0"),
        ("JOBS", "all"),
        ("SHARD", "0/4"),
        ("SHARD", "5/4"),
        ("SHARD", "3"),
        ("TIME_LIMIT", "-1"),
        ("UNTIL", "180s"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(f"REPRO_{name}", value)
    with pytest.raises(ValueError, match=rf"REPRO_{name}.*{value!r}; expected"):
        EngineSettings.from_environment()


def test_progress_is_told_in_plain_lines_and_not_at_all_when_all_is_on_record(store, monkeypatch):
    configs = [Ordeal(number, patience=0.2) for number in range(3)]
    for expected in (True, False):
        told = StringIO()
        monkeypatch.setattr(sys, "__stderr__", told)
        monkeypatch.setattr(progress, "EVERY", 0.05)
        sweep(ordeal, configs, store=store, settings=INLINE)
        assert expected == bool(re.search(r"ordeal: 1 of 3 trials, \d+ s", told.getvalue()))


def test_a_number_named_as_a_field_holds_what_was_used(store):
    """A configuration asks for 10 steps and the run ends at 7: the table says 7."""
    store.put(record_of(trial(10), {"number": 7}, {}))

    assert [7] == list(sweep(ordeal, numbers(10), store=store, compute="never").table["number"])
