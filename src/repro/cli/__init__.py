"""`repro`, the command line: everything that the Makefile's two commands do not do."""

from __future__ import annotations

import typer

from repro.cli import bench, data, records
from repro.cli.book import book
from repro.cli.check import check
from repro.cli.claims import claims
from repro.cli.compare import compare
from repro.cli.fit import fit
from repro.cli.run import run
from repro.cli.size import size
from repro.cli.status import status

app = typer.Typer(
    name="repro",
    help="Reproducible experiments that check what people repeat about large language models.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
)
for command in (run, status, check, claims, compare, book, fit, size):
    app.command()(command)
app.add_typer(records.app, name="records", help="Take in another machine's records, or drop stale ones.")
app.add_typer(data.app, name="data", help="Public tables of other people's runs: list and fetch them.")
app.add_typer(bench.app, name="bench", help="Measure the speed of our own code against a baseline in the same run.")

__all__ = ["app"]
