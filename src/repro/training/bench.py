"""The training loop timed against a plain one of the same decoder in the same run, and many runs in one program.

On a CPU times are CPU seconds of one thread, so that a busy machine changes them little (threads that wait for one
another spin, which counts); on a GPU they are seconds of the clock until the work is done. There our eager step is
a graph that is replayed, as in a run, and only the one large model is compiled, since compiling takes long.
The sides take turns, and each ratio is the median over the rounds, of times taken one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from repro.corpora.languages.skills import Skills
from repro.corpora.texts.text import Tokens
from repro.floor.estimate import LEVEL
from repro.floor.provenance import device
from repro.models.counting import parameters, training_flops
from repro.models.decoder import Decoder
from repro.statistics import median_interval
from repro.training.configurations import Pretraining
from repro.training.ensemble import Ensemble
from repro.training.loop import Trainer, able_to_compile
from repro.training.plain import PlainLoop

GOAL_RATIO, GOAL_UTILISATION, GOAL_TOGETHER = 1.25, 0.40, 4.0
WIDTHS = (32, 64, 128)
WARM_UP = 3  # steps before the clock starts; the first one compiles
ROUNDS = 12  # the fewest whose 99 % interval of the median leaves out a round at either end
FEWEST = 8  # rounds: fewer hold no 99 % interval of a median
SECONDS = 150.0  # of the clock, for everything
COMPILING, TIMING = 25.0, 10.0  # CPU seconds that compiling one width takes, and that timing a part should have
RUNS = 32
TINY = Decoder(vocabulary=256, width=16, layers=1, heads=1, context=32)
LARGE = Decoder(vocabulary=32_768, width=512, layers=8, heads=8, context=1024)  # 42 million parameters
# Dense bf16 operations a second: NVIDIA's data sheets of A100 (2021), H100 (2023) and H200 (2024). Names as torch gives
# them; the first that fits counts.
PEAKS = {"A100": 312e12, "H100 PCIe": 756e12, "H100 80GB HBM3": 989e12, "H200": 989e12}

Step = Callable[[int], object]


@dataclass(frozen=True)
class WidthBench:
    """One decoder.

    Fields: `steps` timed at a stretch, in each of `rounds`; `tokens_a_second` by side, without "compiled" where there
    was no compiler or no time for it; `ratios` of each of ours over the plain loop: value, low, high; `gflops` giga-
    operations a second of the faster of ours, counted as `training_flops` does.
    """

    width: int
    parameters: int
    steps: int
    rounds: int
    tokens_a_second: dict[str, float]
    ratios: dict[str, tuple[float, float, float]]
    gflops: float


@dataclass(frozen=True)
class Utilisation:
    """Model FLOP utilisation on a GPU by the faster `side`, a graph or compiled.

    Fields: `peak` and `share` None where the card is not in the table.
    """

    parameters: int
    side: str
    tokens_a_second: float
    flops: float
    peak: float | None
    share: float | None


@dataclass(frozen=True)
class TrainingBench:
    """What the benchmark found.

    Fields: `unit` of time; `level` of the intervals; `together` the time of `runs` tiny runs in one program over that
    of one: value, low, high; `utilisation` None without a GPU.
    """

    device: str
    unit: str
    rounds: int
    level: float
    widths: tuple[WidthBench, ...]
    runs: int
    together: tuple[float, float, float]
    utilisation: Utilisation | None


class Budget:
    """The seconds of the clock that the parts of a benchmark share, each taking its part of what is left."""

    def __init__(self, seconds: float, parts: int) -> None:
        self._start, self._worked = time.monotonic(), time.process_time()
        self._deadline, self._parts = self._start + seconds, parts

    def affords_compiling(self) -> bool:
        """Whether compiling would leave enough for timing what is still to come, as busy as the machine is."""
        passed, worked = time.monotonic() - self._start, time.process_time() - self._worked
        busy = max(1.0, passed / max(worked, 1e-9))  # seconds of the clock for one that we worked
        return busy * (COMPILING + TIMING * self._parts) <= self._deadline - time.monotonic()

    def next_part(self) -> float:
        """The seconds that the next part may take."""
        share, self._parts = (self._deadline - time.monotonic()) / self._parts, self._parts - 1
        return share


def bench_training(
    *,
    widths: tuple[int, ...] = WIDTHS,
    steps: int = 10,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    compiled: bool = True,
) -> TrainingBench:
    """Time every side in `rounds` rounds of up to `steps` optimiser steps, fewer where `seconds` of the clock ask it.

    Args:
        rounds: at least 8, which the interval of a median needs; so many are run however late it is.
        compiled: time the compiled loop too, where there is a compiler and compiling leaves time for the rest.
    """
    threads, gpu = torch.get_num_threads(), torch.cuda.is_available()
    torch.set_num_threads(1)
    try:
        budget = Budget(seconds, len(widths) + 1)
        together = _together(steps, rounds, budget)
        able = compiled and able_to_compile()
        timed = tuple(_width(width, steps, rounds, budget, able and not gpu) for width in widths)
    finally:
        torch.set_num_threads(threads)
    return TrainingBench(
        device(),
        "second" if gpu else "CPU second",
        rounds,
        LEVEL,
        timed,
        RUNS,
        together,
        _utilisation(steps, able) if gpu else None,
    )


def decoder_of(width: int) -> Decoder:
    """The decoder that is timed at a width: the ladders' proportions."""
    return Decoder(vocabulary=1024, width=width, layers=max(1, width // 16), heads=max(1, width // 16), context=64)


def _width(width: int, most: int, rounds: int, budget: Budget, compiled: bool) -> WidthBench:
    config, text = _job(decoder_of(width), batch=1024)
    plain = PlainLoop(config.model, text.train, sequences=config.sequences, learning_rate=1e-3)
    sides: dict[str, Step] = {"plain": lambda number: plain.step(), "eager": _ours(config, text, False)}
    if compiled and budget.affords_compiling():
        sides["compiled"] = _ours(config, text, True)
        _warm_up({"compiled": sides["compiled"]})
    steps, seconds = _timed(sides, most, rounds, budget.next_part())
    speeds = {side: config.batch * steps / float(np.median(times)) for side, times in seconds.items()}
    ratios = {side: _ratio(seconds["plain"], seconds[side]) for side in seconds if side != "plain"}
    per_token = training_flops(config.model, 1, config.model.context)
    best = max(speed for side, speed in speeds.items() if side != "plain")
    held = len(seconds["plain"])
    return WidthBench(width, parameters(config.model).total, steps, held, speeds, ratios, best * per_token / 1e9)


def _together(most: int, rounds: int, budget: Budget) -> tuple[float, float, float]:
    config, text = _job(TINY, batch=512)
    ensemble = Ensemble(config, range(RUNS), text)
    rates = [config.learning_rate] * RUNS
    sides: dict[str, Step] = {"one": _ours(config, text, False), "all": lambda number: ensemble.step(number, rates)}
    _warm_up(sides)
    _, seconds = _timed(sides, most, rounds, budget.next_part())
    return _ratio(seconds["all"], seconds["one"])


def _utilisation(steps: int, compiled: bool) -> Utilisation:
    config, text = _job(LARGE, batch=32_768)
    sides = {"graph": _ours(config, text, False)}
    if compiled:
        sides["compiled"] = _ours(config, text, True)
    _warm_up(sides)
    taken = {side: seconds[0] for side, seconds in _taking_turns(sides, steps, 1, time.monotonic()).items()}
    side = min(taken, key=lambda name: taken[name])
    speed = config.batch * steps / taken[side]
    flops = speed * training_flops(config.model, 1, config.model.context)
    peak = next((peak for name, peak in PEAKS.items() if name in device()), None)
    return Utilisation(parameters(LARGE).total, side, speed, flops, peak, flops / peak if peak else None)


def _job(shape: Decoder, *, batch: int) -> tuple[Pretraining, Tokens]:
    """A run, and random tokens in its text's place: what they say does not change the time."""
    text = Skills(vocabulary=shape.vocabulary, digits=1)
    config = Pretraining(
        model=shape,
        text=text,
        readings=(100 * batch,),
        batch=batch,
        learning_rate=1e-3,
        warmup=0,
        test_tokens=shape.context,
    )
    drawn = np.random.default_rng(0).integers(shape.vocabulary, size=4 * batch + 1).astype(np.uint16)
    return config, Tokens(drawn, drawn, shape.vocabulary, None, None, sha256="")


def _ours(config: Pretraining, text: Tokens, compiled: bool) -> Step:
    trainer = Trainer(config, 0, text, compiled=compiled)
    return lambda number: trainer.step(number, config.learning_rate)


def _warm_up(sides: dict[str, Step]) -> float:
    """Seconds of the clock that WARM_UP steps of every side take."""
    begin = time.monotonic()
    for step in sides.values():
        for number in range(WARM_UP):
            step(number)
    _clock()  # a GPU has done its work only then
    return time.monotonic() - begin


def _timed(sides: dict[str, Step], most: int, rounds: int, share: float) -> tuple[int, dict[str, list[float]]]:
    """Steps at a stretch, as many as `share` seconds of the clock allow, and what `_taking_turns` gives of them."""
    deadline = time.monotonic() + share
    one_round = _warm_up(sides) / WARM_UP
    steps = max(1, min(most, int((deadline - time.monotonic()) / (rounds * one_round))))
    return steps, _taking_turns(sides, steps, rounds, deadline)


def _taking_turns(sides: dict[str, Step], steps: int, rounds: int, deadline: float) -> dict[str, list[float]]:
    """Seconds of `steps` steps by side, one entry per round; who begins moves on by one each round.

    The fewest rounds of an interval are run in any case, more only until the deadline.
    """
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for round in range(rounds):
        if round >= FEWEST and time.monotonic() > deadline:
            break
        names = list(sides)
        for side in names[round % len(names) :] + names[: round % len(names)]:
            begin = _clock()
            for number in range(steps):
                sides[side](WARM_UP + number)
            seconds[side].append(_clock() - begin)
    return seconds


def _clock() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def _ratio(over: list[float], under: list[float]) -> tuple[float, float, float]:
    ratio = median_interval([a / b for a, b in zip(over, under, strict=True)])
    return ratio.value, ratio.low, ratio.high
