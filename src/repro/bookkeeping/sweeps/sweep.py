"""A sweep: every trial looked up or run, one row each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pandas as pd

from repro.bookkeeping.records import Record, RecordStore, Trial
from repro.bookkeeping.sweeps.deadline import OutOfTime, TimeIsOver, ended_at
from repro.bookkeeping.sweeps.engines import by_name
from repro.bookkeeping.sweeps.outcome import Ended
from repro.bookkeeping.sweeps.progress import progress
from repro.bookkeeping.sweeps.settings import EngineSettings
from repro.floor.measurement import Measurement

SHOWN = 5  # failures and missing trials that a message spells out


class MissingRecords(LookupError):
    """Trials that have no record, where computing is forbidden."""


class Incomplete(LookupError):
    """This shard is done, others are not: their records are still missing."""


class SweepFailed(RuntimeError):
    """Some trials failed; all others are on record, and a rerun tries the failed ones again."""


@dataclass(frozen=True)
class Swept:
    """A sweep's trials as a table of one row each, in the order given, and their records by key."""

    table: pd.DataFrame
    records: dict[str, Record]


def sweep(
    measurement: Measurement,
    configs: Iterable[Any],
    *,
    seeds: Sequence[int] = (0,),
    store: RecordStore,
    compute: str = "missing",
    settings: EngineSettings | None = None,
) -> Swept:
    """Every trial looked up or run; a row has its configuration's fields (nested ones dotted), seed, numbers, diverged.

    Args:
        compute: "missing" runs the trials without a record, each once; "never" makes one an error.
        settings: by default those of the environment.

    Raises:
        MissingRecords, Incomplete, OutOfTime, SweepFailed: as their names say; what was measured is on record in each
            case.
        KeyboardInterrupt: likewise.
    """
    if compute not in ("missing", "never"):
        raise ValueError(f"compute is {compute!r}; expected 'missing' (run what is not on record) or 'never'")
    wanted = [Trial(measurement, config, seed) for config in configs for seed in seeds]
    trials = {trial.key: trial for trial in wanted}
    records = {key: record for key, trial in trials.items() if (record := store.get(trial))}
    todo = [key for key in trials if key not in records]
    if todo and compute == "never":
        raise MissingRecords(_missing([trials[key] for key in todo], len(trials)))
    if todo:
        settings = settings or EngineSettings.from_environment()
        if measurement.alone:
            settings = replace(settings, jobs=1)
        share = set(in_shard(trials, settings.shard))
        mine = [trials[key] for key in todo if key in share]
        _run(mine, store, settings)
        records |= {key: record for key in todo if (record := store.get(trials[key]))}
        if settings.until < math.inf and any(trial.key not in records for trial in mine):
            raise OutOfTime(f"{len(records)} of {len(trials)} trials of {measurement.name} are on record")
    if missing := len(trials) - len(records):
        raise Incomplete(
            f"{missing} of {len(trials)} trials of {measurement.name} belong to other shards; "
            "run those, take their records in with `repro records merge FOLDER`, and run this again (a notebook of "
            "several sweeps stops at each, so it takes one such round a sweep)"
        )
    return Swept(pd.DataFrame([_row(trial, records[trial.key]) for trial in wanted]), records)


def in_shard(keys: Iterable[str], shard: tuple[int, int] | None) -> list[str]:
    """The i-th of n shares: every n-th key in their order, the same on every machine, whatever is on record there."""
    ordered = sorted(keys)
    if shard is None or not ordered:
        return ordered
    index, count = shard
    first = int(ordered[0][:8], 16)  # else the first shard would take every sweep of a single trial
    return [key for place, key in enumerate(ordered) if (first + place) % count == index - 1]


def _run(todo: list[Trial], store: RecordStore, settings: EngineSettings) -> None:
    """Run and record trials, as many as there is time for."""
    if not todo:
        return
    name = todo[0].measurement.name
    ended: list[str] = []
    try:
        with (
            ended_at(settings.until),
            progress(name, len(todo)) as advance,
            closing(by_name[settings.engine](todo, settings)) as outcomes,
        ):
            for outcome in outcomes:
                ended.append(_keep(outcome, store))
                advance()
    except TimeIsOver:
        pass
    except KeyboardInterrupt:
        recorded = ended.count("")
        raise KeyboardInterrupt(
            f"{recorded} of {len(todo)} trials of {name} are on record; a rerun runs the others"
        ) from None
    if failures := [failure for failure in ended if failure]:
        cut = len(todo) - len(ended)
        also = f" and {cut} did not end in time" if cut else ""
        head = (
            f"{len(failures)} of {len(todo)} trials failed{also}; the others are on record, and a rerun runs only these"
        )
        raise SweepFailed("\n\n".join([head, *failures[:SHOWN]]))


def _keep(outcome: Ended, store: RecordStore) -> str:
    """Record an outcome; returns why the trial has no record, or nothing."""
    failure = outcome.failure
    if outcome.record is not None:
        try:
            store.put(outcome.record)
        except ValueError as error:  # too large, or a broken file in its place: this trial's failure, not the others'
            failure = str(error)
    return f"{_words(outcome.trial)}:\n{failure}" if failure else ""


def _words(trial: Trial) -> str:
    return f"{trial.measurement.name} {trial.config} seed {trial.seed}"


def _missing(trials: list[Trial], of: int) -> str:
    first = "; ".join(_words(trial) for trial in trials[:SHOWN])
    return (
        f"{len(trials)} of {of} trials of {trials[0].measurement.name} are not on record and compute is 'never' "
        f"({first}); "
        "make them with `repro run CHAPTER --scale SCALE`, or take them in with `repro records merge FOLDER`"
    )


def _row(trial: Trial, record: Record) -> dict[str, Any]:
    # A number wins over a field of its name: measured columns hold what was used, not what was asked for.
    return {**dict(_flat(trial.config)), "seed": trial.seed, **record.numbers, "diverged": record.status == "diverged"}


def _flat(config: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Fields by dotted name; a nested configuration's own column holds the name of its class."""
    for part in fields(config):
        value = getattr(config, part.name)
        if is_dataclass(value):
            yield prefix + part.name, type(value).__name__
            yield from _flat(value, f"{prefix}{part.name}.")
        else:
            yield prefix + part.name, value
