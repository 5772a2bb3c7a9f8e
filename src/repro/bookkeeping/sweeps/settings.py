"""Where and how trials run, from the environment, so that a notebook never names an engine."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Self

from repro.bookkeeping.sweeps.deadline import instant

engines = ("pool", "inline", "batched", "ray")
BATCHED = 32  # trials in one program, where REPRO_JOBS says nothing


@dataclass(frozen=True)
class EngineSettings:
    """Which engine runs trials, and how.

    Fields: `jobs` trials at a time; `shard` (i, n), the i-th of n shares; `time_limit` seconds per trial;
    `until` the moment, in seconds since 1970, after which no trial runs.
    """

    engine: str = "pool"
    jobs: int = 1
    shard: tuple[int, int] | None = None
    time_limit: float = 3600.0
    until: float = math.inf

    @classmethod
    def from_environment(cls, jobs: int | None = None) -> Self:
        """From REPRO_ENGINE, REPRO_JOBS, REPRO_SHARD (3/16), REPRO_TIME_LIMIT and REPRO_UNTIL.

        Args:
            jobs: trials at a time where REPRO_JOBS says nothing; by default one for each core. The batched engine takes
                32 instead, since its trials share one program.

        Raises:
            ValueError: a value that is none of what is expected.
        """
        engine = os.environ.get("REPRO_ENGINE") or "pool"
        if engine not in engines:
            raise ValueError(f"REPRO_ENGINE (--on) is {engine!r}; expected one of {', '.join(engines)}")
        usual = BATCHED if engine == "batched" else jobs or cores()
        wanted = _positive("REPRO_JOBS", os.environ.get("REPRO_JOBS") or str(usual))
        limit = _positive("REPRO_TIME_LIMIT", os.environ.get("REPRO_TIME_LIMIT") or "3600")
        until = instant(os.environ.get("REPRO_UNTIL") or "")
        return cls(engine, wanted, _shard(os.environ.get("REPRO_SHARD") or ""), float(limit), until)


def cores() -> int:
    """Cores that this process may use: a Slurm job or a container often has fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _positive(name: str, text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"{name} is {text!r}; expected a whole number of at least 1")
    return int(text)


def _shard(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    share = re.fullmatch(r"(\d+)/(\d+)", text)
    if not share or not 1 <= int(share[1]) <= int(share[2]):
        raise ValueError(f"REPRO_SHARD (--shard) is {text!r}; expected I/N with 1 <= I <= N, such as 3/16")
    return int(share[1]), int(share[2])
