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
from repro.corpora.tables.numbers import parse_size, spell_size

if TYPE_CHECKING:  # what fits and draws is loaded by a fit, and not by a question for help
    from repro.fits.report import Report
    from repro.floor.estimate import Estimate

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
    console = Console()
    frame = made.runs.frame
    name = str(runs).encode("utf-8", "backslashreplace").decode()
    left_out = "".join(f", without {len(rows)} {why}" for why, rows in made.runs.left_out.items())
    console.print(
        f"{len(frame)} runs of {escape(name)}: "
        f"N {spell_size(frame['N'].min())} to {spell_size(frame['N'].max())}, "
        f"D {spell_size(frame['D'].min())} to {spell_size(frame['D'].max())}, "
        f"N counted: {made.runs.convention}{left_out}",
        highlight=False,
    )
    console.print(_exponents(made), _law(made), *_optima(made))
    for number, why in sorted(made.absent.items()):
        console.print(f"approach {number} does not apply: {why}", style="yellow", markup=False)
    for warning in made.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    for note in made.runs.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    if figure:
        console.print(f"picture: {figure}", markup=False)


def _exponents(made: Report) -> Table:
    table = Table("approach", "a  (N* ~ C^a)", "b  (D* ~ C^b)", title="Exponents, 99 % intervals", title_justify="left")
    for approach in made.approaches:
        table.add_row(f"{approach.number}  {approach.name}", _spell(approach.a, ".3f"), _spell(approach.b, ".3f"))
    return table


def _law(made: Report) -> Table:
    table = Table("of approach 3", "value", title="L = E + A / N^alpha + B / D^beta", title_justify="left")
    for name, estimate in made.law.items():
        table.add_row(name, _spell(estimate, ".4g"))
    return table


def _optima(made: Report) -> list[Table]:
    """One table per budget."""
    tables = []
    for place, budget in enumerate(made.wanted):
        beyond = max((approach.optima[place].beyond for approach in made.approaches), default=1.0)
        outside = f", {beyond:.3g} times outside the runs" if beyond > 1 else ""
        table = Table("by", "N*", "D*", "D*/N*", title=f"At {budget:.3g} FLOP{outside}", title_justify="left")
        for approach in made.approaches:
            optimum = approach.optima[place]
            ratio = _spell(optimum.tokens_per_parameter, ".3g")
            table.add_row(str(approach.number), _count(optimum.N), _count(optimum.D), ratio)
        tables.append(table)
    return tables


def _spell(estimate: Estimate, form: str) -> str:
    return f"{estimate.value:{form}} \\[{estimate.low:{form}}, {estimate.high:{form}}]"


def _count(estimate: Estimate) -> str:
    return f"{spell_size(estimate.value)} \\[{spell_size(estimate.low)}, {spell_size(estimate.high)}]"
