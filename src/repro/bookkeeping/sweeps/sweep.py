"""A sweep: every trial looked up or run, one row each."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from repro.bookkeeping.records import Record, RecordStore, Trial
from repro.bookkeeping.sweeps.engines import Outcome, by_name
from repro.bookkeeping.sweeps.settings import EngineSettings
from repro.floor.measurement import Measurement


class MissingRecords(LookupError):
    """Trials that have no record, where computing is forbidden."""


class Incomplete(LookupError):
    """This shard is done, others are not: their records are still missing."""


class SweepFailed(RuntimeError):
    """Some trials failed; all others are on record, and a rerun tries the failed ones again."""


def sweep(
    measurement: Measurement, configs: Iterable[Any], *, seeds: Sequence[int] = (0,), store: RecordStore,
    compute: str = "missing", settings: EngineSettings | None = None,
) -> pd.DataFrame:  # fmt: skip
    """One row a trial in the order given: the configuration's fields (nested ones dotted), seed, numbers, diverged.

    Args:
        compute: "missing" runs the trials without a record, "never" makes one an error.

    Raises:
        MissingRecords, Incomplete, SweepFailed: as their names say; what was measured is on record in each case.
    """
    wanted = [Trial(measurement, config, seed) for config in configs for seed in seeds]
    todo = {trial.key: trial for trial in wanted if store.get(trial) is None}
    if todo and compute == "never":
        raise MissingRecords(_missing(list(todo.values())))
    if todo:
        _run(list(todo.values()), store, settings or EngineSettings.from_environment())
    records = [store.get(trial) for trial in wanted]
    if None in records:
        raise Incomplete(f"{records.count(None)} of {len(wanted)} trials belong to other shards; run those, then merge")
    return pd.DataFrame([_row(trial, record) for trial, record in zip(wanted, records, strict=True) if record])


def _missing(trials: list[Trial]) -> str:
    first = "; ".join(f"{trial.config} seed {trial.seed}" for trial in trials[:3])
    return (
        f"{len(trials)} trials of {trials[0].measurement.name} are not on record and compute is 'never' ({first}); "
        "make them with `repro run CHAPTER --scale SCALE`, or take them in with `repro records merge FOLDER`"
    )


def _run(todo: list[Trial], store: RecordStore, settings: EngineSettings) -> None:
    mine = in_shard(todo, settings.shard)
    failures: list[Outcome] = []
    start, told = time.monotonic(), time.monotonic()
    live = sys.stdout.isatty()
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), disable=not live)
    with bar:
        task = bar.add_task(mine[0].measurement.name if mine else "nothing", total=len(mine))
        for done, outcome in enumerate(by_name[settings.engine](mine, settings) if mine else [], start=1):
            if outcome.record is None:
                failures.append(outcome)
            else:
                store.put(outcome.record)
            bar.advance(task)
            if not live and time.monotonic() - told > 10:
                # to the real stream, not the notebook's: a page must not depend on how long a run took
                print(f"  {done} of {len(mine)} trials, {time.monotonic() - start:.0f} s", file=sys.__stderr__)
                told = time.monotonic()
    if failures:
        raise SweepFailed(_failed(failures, len(mine)))


def in_shard(trials: Sequence[Trial], shard: tuple[int, int] | None) -> list[Trial]:
    """The i-th of n shares: every n-th trial in the order of keys, the same on every machine."""
    if shard is None:
        return list(trials)
    index, count = shard
    return [trial for trial in trials if int(trial.key[:15], 16) % count == index - 1]


def _failed(failures: list[Outcome], total: int) -> str:
    told = [f"{o.trial.measurement.name} {o.trial.config} seed {o.trial.seed}:\n{o.failure}" for o in failures[:5]]
    head = f"{len(failures)} of {total} trials failed; the others are on record, and a rerun tries only these again"
    return "\n\n".join([head, *told])


def _row(trial: Trial, record: Record) -> dict[str, Any]:
    flat = dict(_flat(trial.config))
    return {**flat, "seed": trial.seed, **record.numbers, "diverged": record.status == "diverged"}


def _flat(config: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    for part in fields(config):
        value = getattr(config, part.name)
        if is_dataclass(value):
            yield from _flat(value, f"{prefix}{part.name}.")
        else:
            yield prefix + part.name, value
