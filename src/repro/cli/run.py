"""`repro run`: execute a chapter's notebooks, record what is missing, keep the verdicts."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from repro.cli.commands import refusing
from repro.floor import places

OUT_OF_TIME = 3  # the exit code; what fails ends with 2

if TYPE_CHECKING:  # papermill is loaded by a run, and not by a question for help
    from repro.bookkeeping.chapters import Notebook, Run, Server


def run(
    chapter: Annotated[str | None, typer.Argument(help="A chapter or one notebook of it.")] = None,
    scale: Annotated[str, typer.Option(help="smoke, cpu or gpu.")] = "smoke",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", help="A knob and its value: -p resamples=2000 (repeat for more)."),
    ] = None,
    on: Annotated[str, typer.Option(help="Where trials run: pool, inline, batched or ray.")] = "",
    jobs: Annotated[int | None, typer.Option(help="Trials at a time.", min=1)] = None,
    shard: Annotated[str, typer.Option(help="Only this share of the trials: 3/16.")] = "",
    compute: Annotated[str, typer.Option(help="missing (run what is not on record) or never.")] = "missing",
    every: Annotated[bool, typer.Option("--all", help="Every notebook of the book.")] = False,
    at_once: Annotated[int, typer.Option(help="Notebooks at a time; more than one at scale smoke alone.", min=1)] = 1,
    within: Annotated[str, typer.Option(help="Begin no trial after so long, and end what runs: 180s, 3min.")] = "",
    cell_limit: Annotated[int | None, typer.Option(help="Seconds that one cell may take.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Run a chapter's notebooks at a scale, through papermill.

    Trials that are on record are looked up, the rest are run and recorded one by one, so an interrupted run goes on
    where it stopped. Verdicts are kept when a notebook ran to its end with its scale's own knobs. One that fails does
    not stop the others.

    With --within, a trial is begun if there is time for one like the last, and what runs at the end of that time is
    ended as by an interrupt. The command then says what is missing and how to go on, and ends with exit code 3.

    With --json, the object is the only thing on standard output: progress is on standard error. It says how many CPU
    seconds each notebook took.
    """
    from repro.bookkeeping import chapters
    from repro.bookkeeping.sweeps import EngineSettings, seconds_of

    if bool(chapter) == every:
        raise typer.BadParameter("name one chapter or notebook, or give --all")
    if at_once > 1 and scale != "smoke":  # several trials time themselves
        raise typer.BadParameter(f"--at-once {at_once} at scale {scale}: times are measured one notebook at a time")
    with refusing(LookupError, ValueError, TypeError, FileNotFoundError):
        until = str(time.time() + seconds_of(within)) if within else ""
        settings = {"ENGINE": on, "JOBS": str(jobs or ""), "SHARD": shard, "UNTIL": until}
        # A notebook's kernel inherits these and so never names an engine.
        os.environ.update({f"REPRO_{name}": value for name, value in settings.items() if value})
        EngineSettings.from_environment()  # refused here, since a notebook without a sweep would not look at them
        selection = (
            chapters.notebooks(places.experiments())
            if every
            else chapters.find_notebook(places.experiments(), chapter or "")
        )
        given = {notebook: _parameters(notebook, scale, compute, parameter or []) for notebook in selection}
        console = Console(stderr=as_json)
        bar = at_once == 1 and console.is_terminal

        again = _again(chapter, scale, parameter, {"on": on, "jobs": jobs, "shard": shard, "within": within})

        def run_one(server: Server, notebook: Notebook) -> dict[str, Any]:
            return _run_one(
                notebook, given[notebook], console, again, server=server, cell_limit=cell_limit, progress=bar
            )

        # On a GPU nothing is loaded beforehand: a process forked from one that has asked CUDA anything cannot use it.
        preload = compute != "never" and scale != "gpu"
        report = chapters.side_by_side(run_one, selection, at_once=at_once, computing=preload)
    if as_json:
        typer.echo(json.dumps(report, indent=1))
    if failed := [one["notebook"] for one in report if "failed" in one]:
        typer.secho(f"repro: {len(failed)} of {len(report)} notebooks failed: {', '.join(failed)}", fg="red", err=True)
        raise typer.Exit(2)
    if any("out_of_time" in one for one in report):
        raise typer.Exit(OUT_OF_TIME)


def _again(chapter: str | None, scale: str, parameter: list[str] | None, options: dict[str, Any]) -> str:
    """The command that was given, as far as it decides what is measured and how."""
    chosen = [word for name, value in options.items() if value for word in (f"--{name}", str(value))]
    knobs = [word for knob in parameter or [] for word in ("-p", knob)]
    return shlex.join(["repro", "run", chapter or "--all", "--scale", scale, *knobs, *chosen])


def _parameters(notebook: Notebook, scale: str, compute: str, words: list[str]) -> dict[str, Any]:
    """What is given to a notebook, read by the knobs that it declares."""
    from repro.bookkeeping.knobs import check_parameters, read_parameters

    settings = notebook.settings()
    named = read_parameters(words, {}).get("scale", scale)
    declared = next((setting.knobs for name, setting in settings.items() if name == named), {})
    given = {"scale": scale, "compute": compute, **read_parameters(words, declared)}
    check_parameters(given, settings)
    return given


def _run_one(notebook: Notebook, given: dict[str, Any], console: Console, again: str, **how: Any) -> dict[str, Any]:
    """What a run of one notebook gave; `again` is the command that goes on where the time was over."""
    from repro.bookkeeping import chapters
    from repro.bookkeeping.ledger.verdict_files import verdict_as_plain
    from repro.bookkeeping.sweeps import OutOfTime

    console.print(f"{notebook.name} at scale {given['scale']}", style="bold", markup=False)
    try:
        done = chapters.run(notebook, given, places.results(), **how)
    except chapters.Failed as error:  # the other notebooks are run all the same
        typer.secho(f"repro: {error}", fg="red", err=True)
        return {"notebook": notebook.name, "failed": str(error)}
    except OutOfTime as error:
        told = f"its time is over: {error}. Sweeps after that were not begun, and no verdict was kept."
        typer.secho(f"repro: {notebook.name}: {told} To go on: {again}", fg="red", err=True)
        return {"notebook": notebook.name, "out_of_time": str(error), "to_go_on": again}
    console.print("\n".join(_lines(notebook, done)), markup=False, highlight=False, soft_wrap=True)  # paths stay whole
    return {
        "notebook": notebook.name,
        "cpu_seconds": done.cpu_seconds,
        "verdicts": {verdict.claim: verdict_as_plain(verdict) for verdict in done.verdicts},
        "changes": [vars(change) for change in done.changes],
        "page": str(done.page),
        "verdicts_file": str(done.verdicts_file) if done.verdicts_file else None,
    }


def _lines(notebook: Notebook, done: Run) -> Iterator[str]:
    """What a person is told of a run, in one piece, since another notebook may be running beside it."""
    yield f"{notebook.name} took {done.cpu_seconds:.1f} CPU s"
    for verdict in done.verdicts:
        e = verdict.estimate
        assert e is not None
        yield f"  {verdict.outcome:>9}  {verdict.claim}  {e.value:.4g} [{e.low:.4g}, {e.high:.4g}] {e.unit}"
    if not done.verdicts:
        yield "  no verdicts: other knobs than the scale's own, or nothing settled here"
    for change in done.changes:
        yield f"  new in the changelog: {change.claim} {change.before or 'untested'} -> {change.after}"
    if done.verdicts_file:
        yield f"  verdicts: {done.verdicts_file}"
    yield f"  page: {done.page}"
