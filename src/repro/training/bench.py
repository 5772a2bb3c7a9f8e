"""The training loop timed against a plain one of the same decoder in the same run, and many runs in one program.

On a CPU times are CPU seconds, so that a busy machine changes them little; on a GPU they are seconds of the clock.
The sides take turns, and each ratio is of times taken one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from repro.corpora.languages.skills import Skills
from repro.corpora.texts.text import Tokens
from repro.floor.provenance import device
from repro.models.counting import parameters, training_flops
from repro.models.decoder import Decoder
from repro.statistics import geometric_t
from repro.training.configurations import Pretraining
from repro.training.ensemble import Ensemble
from repro.training.loop import Trainer, able_to_compile
from repro.training.plain import PlainLoop

GOAL_RATIO, GOAL_UTILISATION, GOAL_TOGETHER = 1.25, 0.40, 4.0
WIDTHS = (32, 64, 128)
WARM_UP = 3  # steps before the clock starts; the first one compiles
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

    Fields: `tokens_a_second` by side; `ratios` of each of ours over the plain loop: value, low, high; `gflops` giga-
    operations a second of the faster of ours, counted as `training_flops` does.
    """

    width: int
    parameters: int
    tokens_a_second: dict[str, float]
    ratios: dict[str, tuple[float, float, float]]
    gflops: float


@dataclass(frozen=True)
class Utilisation:
    """Model FLOP utilisation on a GPU; `peak` None and `share` None where the card is not in the table."""

    parameters: int
    tokens_a_second: float
    flops: float
    peak: float | None
    share: float | None


@dataclass(frozen=True)
class TrainingBench:
    """What the benchmark found.

    Fields: `unit` of time; `together` the time of `runs` tiny runs in one program over that of one: value, low, high;
    `utilisation` None without a GPU.
    """

    device: str
    unit: str
    steps: int
    repeat: int
    widths: tuple[WidthBench, ...]
    runs: int
    together: tuple[float, float, float]
    utilisation: Utilisation | None


def bench_training(
    *, widths: tuple[int, ...] = WIDTHS, steps: int = 10, repeat: int = 5, compiled: bool = True
) -> TrainingBench:
    """Time every side `repeat` times over `steps` optimiser steps.

    Args:
        compiled: time the compiled loop too, where there is a compiler.
    """
    found = tuple(_width(width, steps, repeat, compiled and able_to_compile()) for width in widths)
    gpu = torch.cuda.is_available()
    together = _together(steps, repeat)
    return TrainingBench(
        device(),
        "second" if gpu else "CPU second",
        steps,
        repeat,
        found,
        RUNS,
        together,
        _utilisation(steps) if gpu else None,
    )


def decoder_of(width: int) -> Decoder:
    """The decoder that is timed at a width: the ladders' proportions."""
    return Decoder(vocabulary=1024, width=width, layers=max(1, width // 16), heads=max(1, width // 16), context=64)


def _width(width: int, steps: int, repeat: int, compiled: bool) -> WidthBench:
    config, text = _job(decoder_of(width), batch=1024)
    plain = PlainLoop(config.model, text.train, sequences=config.sequences, learning_rate=1e-3)
    sides: dict[str, Step] = {"plain": lambda number: plain.step(), "eager": _ours(config, text, False)}
    if compiled:
        sides["compiled"] = _ours(config, text, True)
    seconds = _taking_turns(sides, steps, repeat)
    speeds = {side: config.batch * steps / float(np.median(taken)) for side, taken in seconds.items()}
    ratios = {side: _ratio(seconds["plain"], seconds[side]) for side in seconds if side != "plain"}
    per_token = training_flops(config.model, 1, config.model.context)
    best = max(speed for side, speed in speeds.items() if side != "plain")
    return WidthBench(width, parameters(config.model).total, speeds, ratios, best * per_token / 1e9)


def _together(steps: int, repeat: int) -> tuple[float, float, float]:
    config, text = _job(TINY, batch=512)
    ensemble = Ensemble(config, range(RUNS), text)
    rates = [config.learning_rate] * RUNS
    sides: dict[str, Step] = {"one": _ours(config, text, False), "all": lambda number: ensemble.step(number, rates)}
    seconds = _taking_turns(sides, steps, repeat)
    return _ratio(seconds["all"], seconds["one"])


def _utilisation(steps: int) -> Utilisation:
    config, text = _job(LARGE, batch=65_536)
    taken = _taking_turns({"ours": _ours(config, text, True)}, steps, 1)["ours"][0]
    speed = config.batch * steps / taken
    flops = speed * training_flops(config.model, 1, config.model.context)
    peak = next((peak for name, peak in PEAKS.items() if name in device()), None)
    return Utilisation(parameters(LARGE).total, speed, flops, peak, flops / peak if peak else None)


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


def _taking_turns(sides: dict[str, Step], steps: int, repeat: int) -> dict[str, list[float]]:
    """Seconds of `steps` steps by side, one entry a round; who begins moves on by one each round."""
    for step in sides.values():
        for number in range(WARM_UP):
            step(number)
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for round in range(repeat):
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
    found = geometric_t([a / b for a, b in zip(over, under, strict=True)])
    return found.value, found.low, found.high
