"""A measurement that meets the fate its configuration names, in a module that worker processes can import."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from repro.bookkeeping.records import Trial
from repro.floor.identity import added
from repro.floor.measurement import Diverged, Measurement, measurement


@dataclass(frozen=True)
class Start:
    width: int = 8
    scale: float = 1.0


@dataclass(frozen=True)
class Ordeal:
    number: int
    fate: str = "measured"
    start: Start | None = None
    patience: float = 0.0  # seconds that a trial takes
    later: int = added(0)


@measurement(version=2)
def ordeal(config: Ordeal, seed: int) -> dict:
    """Three numbers that depend on everything; each start of a trial leaves a line in $ORDEAL_DIARY."""
    note(f"{config.number} {seed} {os.getpid()}")
    if config.fate == "raised":
        raise ZeroDivisionError(f"number {config.number} was planted to fail")
    if config.fate == "unreachable":
        raise TimeoutError("a server did not answer")
    if config.fate == "verbose":
        backends = [f"backend {number}" for number in range(30)]
        raise NotImplementedError("\n".join([f"number {config.number} has no kernel", *backends]))
    if config.fate == "diverged":
        raise Diverged("loss above 1e9 at step 3")
    if config.fate == "dead":
        os._exit(7)
    if config.fate == "interrupted":
        raise KeyboardInterrupt
    while config.fate == "gated" and Path(os.environ["ORDEAL_GATE"]).exists():
        time.sleep(0.05)
    time.sleep(600 if config.fate == "stuck" else config.patience)
    random = np.random.default_rng([config.number, seed])
    matrix = random.normal(size=(64, 64))
    values = np.linalg.svd(matrix @ matrix, compute_uv=False)
    return {
        "largest": float(values[0]),
        "sum": float(values.sum()),
        "draws": ["x" * 20_000] if config.fate == "huge" else [],
    }


def note(line: str) -> None:
    """Append a line to the diary; whole even where several processes write at once."""
    if diary := os.environ.get("ORDEAL_DIARY"):
        with open(diary, "a", encoding="utf-8") as opened:
            opened.write(line + "\n")


def diary_of(path: Path) -> list[tuple[int, int]]:
    """(number, seed) of each trial that was started, in order."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(int(number), int(seed)) for number, seed, _ in map(str.split, lines)]


def trial(number: int, seed: int = 0, **fields: object) -> Trial:
    return Trial(ordeal, replace(Ordeal(number), **fields), seed)


def of_a_notebook() -> Measurement:
    """The same measurement, defined where no other process can import it."""

    def cell(config: Ordeal, seed: int) -> dict:
        return {"sum": config.number + seed}

    cell.__module__ = "__main__"
    return Measurement("cell", 1, cell, Ordeal)
