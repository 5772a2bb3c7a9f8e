"""`repro fit`: the scaling laws of a reader's own runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from repro.cli.commands import refusing
from repro.corpora.tables.numbers import parse_size

if TYPE_CHECKING:  # what fits and draws is loaded by a fit, and not by a question for help
    from repro.fits.report import Report

FEWEST_RESAMPLES = 200  # the tails of a 99 % interval hold one draw each then


def fit(
    runs: Annotated[
        Path, typer.Argument(help="Table (CSV, JSON, ...) with loss and two of N, D, C; sizes as 70B, 1.4T, 1e9.")
    ],
    budget: Annotated[list[str] | None, typer.Option(help="FLOP to plan for, as 1e21; may be repeated.")] = None,
    resamples: Annotated[int, typer.Option(min=FEWEST_RESAMPLES, help="Bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    figure: Annotated[Path | None, typer.Option(help="Draw the fit into this .svg, .png or .pdf.")] = None,
    best_of_cell: Annotated[
        bool, typer.Option("--best-of-cell", help="Of runs of one N and D (a sweep of rates) take the best.")
    ] = False,
    keep_outliers: Annotated[
        bool, typer.Option("--keep-outliers", help="Fit runs far from the surface of all others too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Fit scaling laws to your own runs: exponents by three approaches, optimal N and D, and what to distrust."""
    from repro.bookkeeping.sweeps.progress import progress
    from repro.fits.report import STAGES, report
    from repro.fits.runs.reading import read_runs

    with refusing(ValueError, OSError):
        budgets = [_budget(text) for text in budget or []]
        read = read_runs(runs, best_of_cell=best_of_cell, keep_outliers=keep_outliers)
        with progress("fitting", STAGES, of="stages") as advance:
            made = report(read, budgets, resamples=resamples, seed=seed, advance=advance)
        if figure:
            from repro.fits.picture import draw

            draw(made, figure)
    if as_json:
        typer.echo(json.dumps({"file": str(runs), **made.plain(), "resamples": resamples, "seed": seed}))
        return
    _show(made, runs, figure)


def _budget(text: str) -> float:
    value = parse_size(text)
    if not 0 < value < float("inf"):
        raise ValueError(f"--budget {text}: expected floating-point operations above 0, such as 1e21")
    return value


def _show(made: Report, runs: Path, figure: Path | None) -> None:
    from repro.corpora.tables.unpacking import shown
    from repro.fits.tables import remarks, scope, tables

    console = Console()
    console.print(scope(made, shown(runs)), highlight=False, markup=False)
    for title, frame in tables(made).items():
        table = Table(*map(escape, frame.columns), title=title, title_justify="left")
        for row in frame.itertuples(index=False):
            table.add_row(*map(escape, row))
        console.print(table)
    for kind, sentence in remarks(made):
        style = None if kind == "note" else "yellow"
        console.print(f"{kind}: {sentence}", style=style, markup=False, highlight=kind != "note")
    if figure:
        console.print(f"picture: {figure}", markup=False)
