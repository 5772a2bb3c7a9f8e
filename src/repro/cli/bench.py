"""`repro bench`: how fast, against what, measured in the same run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from repro.fits.bench import GOAL_RATIO, GOAL_SECONDS, FitsBench, bench_fits

app = typer.Typer(help="Time the parts that were built to be fast, each against a reference in the same run.")


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

    def progress(rows: Iterable[int]) -> Iterable[int]:
        return track(list(rows), description="scipy BFGS, one resample at a time", console=Console(stderr=True))

    found = bench_fits(resamples=resamples, repeat=repeat, timed=timed, track=progress)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found)))
    else:
        Console().print(_table(found))


def _table(found: FitsBench) -> Table:
    table = Table("what", title=f"Surface fit and {found.resamples:,} bootstrap refits")
    table.add_column("figure", overflow="fold")
    extrapolated = "" if found.scipy_timed == found.resamples else f", extrapolated from {found.scipy_timed:,} refits"
    reached = "reached" if found.reached_goal else "missed"
    rows = {
        "runs": f"{found.runs} ({found.table})",
        "ours, CPU seconds": ", ".join(f"{seconds:.2f}" for seconds in found.cpu_seconds),
        "scipy BFGS, exact gradient, CPU seconds": f"{found.scipy_cpu_seconds:.1f}{extrapolated}",
        "ratio, scipy over our best": f"{found.ratio:.1f}",
        f"refits where our objective is worse (of {found.scipy_timed:,})": str(found.worse),
        f"refits where it is better (of {found.scipy_timed:,})": str(found.better),
        "refits that did not converge": str(found.unconverged),
        "starts of the point fit that reach the optimum": f"{found.share_at_optimum:.0%}",
        f"goal: {GOAL_SECONDS:g} s or less, ratio {GOAL_RATIO:g} or more, none worse": reached,
    }
    for name, figure in rows.items():
        table.add_row(name, figure)
    return table
