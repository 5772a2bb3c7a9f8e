"""`repro bench`: how fast, against what, measured in the same run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from repro.cli.commands import refusing

FEWEST_ROUNDS = 8  # fewer hold no 99 % interval of a median

if TYPE_CHECKING:  # scipy and torch are loaded by the command that needs them
    from repro.fits.bench import FitsBench
    from repro.inference.decoding.bench import DecodingBench
    from repro.training.bench import TrainingBench, Utilisation

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def bench() -> None:
    """Time the parts that were built to be fast, each against a reference in the same run."""


@app.command()
def fits(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
    repeat: Annotated[int, typer.Option(min=1, help="How often our own job is timed; the best counts.")] = 3,
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap refits of the job.")] = 4000,
    timed: Annotated[int, typer.Option(min=1, help="Refits that scipy really does; the rest is extrapolated.")] = 4000,
) -> None:
    """A Chinchilla surface fit with its bootstrap, against scipy's BFGS with the exact gradient."""
    from repro.bookkeeping.sweeps.progress import progress
    from repro.fits.bench import bench_fits

    def told(rows: Iterable[int]) -> Iterator[int]:
        with progress("scipy BFGS, one resample at a time", timed, of="refits") as advance:
            for row in rows:
                yield row
                advance()

    result = bench_fits(resamples=resamples, repeat=repeat, timed=timed, track=told)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(result)))
    else:
        Console().print(_table(result))


@app.command()
def training(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
    width: Annotated[list[int] | None, typer.Option(min=16, help="Widths to time; by default 32, 64 and 128.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps at a stretch; fewer where time is short.")] = 10,
    rounds: Annotated[int, typer.Option(min=FEWEST_ROUNDS, help="Rounds in which the sides take turns.")] = 12,
    seconds: Annotated[float, typer.Option(min=1, help="Of the clock, which the whole may take.")] = 150,
    compiled: Annotated[bool, typer.Option(help="Time the compiled loop too, where compiling fits in.")] = True,
) -> None:
    """The training loop, eager and compiled, against a plain one of the same decoder; and many tiny runs in one."""
    from repro.training.bench import WIDTHS, bench_training

    result = bench_training(
        widths=tuple(width or WIDTHS), steps=steps, rounds=rounds, seconds=seconds, compiled=compiled
    )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(result)))
    else:
        Console().print(_training_table(result))


@app.command()
def decoding(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
    size: Annotated[list[str] | None, typer.Option(help="Sizes to time; by default 5M, 20M and 60M.")] = None,
    tokens: Annotated[int, typer.Option(min=1, max=480, help="Tokens that are written at a stretch.")] = 32,
    rounds: Annotated[int, typer.Option(min=FEWEST_ROUNDS, help="Rounds in which the sides take turns.")] = 12,
) -> None:
    """The lean decoder, plain and with packed weights, against generate of transformers on the same weights."""
    from repro.inference.decoding.bench import SHAPES, bench_decoding

    with refusing(ValueError):
        result = bench_decoding(sizes=tuple(size or SHAPES), tokens=tokens, rounds=rounds)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(result)))
    else:
        Console().print(_decoding_table(result))


@app.command()
def start(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds in which the commands take turns; the least counts.")] = 5,
) -> None:
    """How much CPU time `repro` takes to answer, against importing numpy and pydantic."""
    from repro.cli.bench.cpu_seconds import UNIT, bench_start

    timed = bench_start(rounds=rounds)
    if as_json:
        typer.echo(json.dumps({**dataclasses.asdict(timed), "missed": timed.missed}))
        return
    table = Table(
        "repro", "CPU seconds", "ratio", "goal", title=f"Against {UNIT!r}: {timed.unit_seconds:.2f} CPU seconds"
    )
    for name, ratio in timed.ratios.items():
        missed = " missed" if name in timed.missed else ""
        table.add_row(name, f"{timed.seconds[name]:.2f}", f"{ratio:.1f}", f"{timed.goals[name]:g}{missed}")
    Console().print(table)


def _decoding_table(result: DecodingBench) -> Table:
    from repro.inference.decoding.bench import GOAL_RATIO

    table = Table("what", title=f"Decoding on {result.device}, {result.tokens} tokens at a stretch, {_rounds(result)}")
    table.add_column("figure", overflow="fold")
    for one in result.sizes:
        name = f"{one.name}, {one.parameters:,} parameters"
        for side, taken in one.milliseconds.items():
            ratio = f", {_interval(one.ratios[side])} times as fast as transformers" if side in one.ratios else ""
            table.add_row(f"{name}: {side}", f"{taken:.2f} thousandths of a {result.unit} a token{ratio}")
        reached = "reached" if max(ratio[0] for ratio in one.ratios.values()) >= GOAL_RATIO else "missed"
        table.add_row(f"{name}: goal of {GOAL_RATIO:g} times", reached)
        table.add_row(f"{name}: greedy tokens of all sides", "identical" if one.identical else "not identical")
    return table


def _training_table(result: TrainingBench) -> Table:
    from repro.training.bench import GOAL_RATIO, GOAL_TOGETHER

    table = Table("what", title=f"Training on {result.device}, {_rounds(result)}")
    table.add_column("figure", overflow="fold")
    for one in result.widths:
        name = f"width {one.width}, {one.parameters:,} parameters, {one.steps} steps in each of {one.rounds} rounds"
        for side, speed in one.tokens_a_second.items():
            ratio = f", {_interval(one.ratios[side])} times the plain loop" if side in one.ratios else ""
            table.add_row(f"{name}: {side}", f"{speed:,.0f} tokens a {result.unit}{ratio}")
        reached = "reached" if max(ratio[0] for ratio in one.ratios.values()) >= GOAL_RATIO else "missed"
        table.add_row(f"{name}: the faster of ours", f"{one.gflops:.2f} GFLOP a {result.unit}")
        table.add_row(f"{name}: goal of {GOAL_RATIO:g} times", reached)
    pays = "reached" if result.together[0] < GOAL_TOGETHER else "missed: it does not pay on this device"
    table.add_row(f"{result.runs} tiny runs in one program, over the time of one", _interval(result.together))
    table.add_row(f"goal: less than {GOAL_TOGETHER:g} times", pays)
    table.add_row("model FLOP utilisation", _used(result.utilisation))
    return table


def _rounds(bench: DecodingBench | TrainingBench) -> str:
    return f"medians of up to {bench.rounds} rounds with {bench.level:.0%} intervals"


def _used(result: Utilisation | None) -> str:
    from repro.training.bench import GOAL_UTILISATION

    if result is None:
        return "not measured: there is no GPU"
    what = (
        f"{result.parameters:,} parameters, {result.tokens_a_second:,.0f} tokens and {result.flops:.3g} FLOP a second"
    )
    if result.share is None or result.peak is None:
        return f"{what}; the peak of this card is not in the table"
    reached = "reached" if result.share >= GOAL_UTILISATION else "missed"
    return f"{result.share:.1%} of {result.peak:.3g} ({what}); goal of {GOAL_UTILISATION:.0%} {reached}"


def _interval(ratio: tuple[float, float, float]) -> str:
    return f"{ratio[0]:.2f} [{ratio[1]:.2f}, {ratio[2]:.2f}]"


def _table(result: FitsBench) -> Table:
    from repro.fits.bench import GOAL_RATIO, GOAL_SECONDS

    table = Table("what", title=f"Surface fit and {result.resamples:,} bootstrap refits")
    table.add_column("figure", overflow="fold")
    extrapolated = (
        "" if result.scipy_timed == result.resamples else f", extrapolated from {result.scipy_timed:,} refits"
    )
    reached = "reached" if result.reached_goal else "missed"
    rows = {
        "runs": f"{result.runs} ({result.table})",
        "ours, CPU seconds": ", ".join(f"{seconds:.2f}" for seconds in result.cpu_seconds),
        "scipy BFGS, exact gradient, CPU seconds": f"{result.scipy_cpu_seconds:.1f}{extrapolated}",
        "ratio, scipy over our best": f"{result.ratio:.1f}",
        f"refits where our objective is worse (of {result.scipy_timed:,})": str(result.worse),
        f"refits where it is better (of {result.scipy_timed:,})": str(result.better),
        "refits that did not converge": str(result.unconverged),
        "starts of the point fit that reach the optimum": f"{result.share_at_optimum:.0%}",
        f"goal: {GOAL_SECONDS:g} s or less, ratio {GOAL_RATIO:g} or more, none worse": reached,
    }
    for name, figure in rows.items():
        table.add_row(name, figure)
    return table
