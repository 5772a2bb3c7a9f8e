"""`repro data pack|unpack|survey`: texts made of installed packages, on their way between machines and versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from repro.cli.refusal import refusing
from repro.corpora.texts.environment import EnvironmentDiffers, environment, kept_text_at, other_versions, survey
from repro.corpora.texts.manifest import Manifest, TokenCounts, kept_in, manifest, manifests, spell
from repro.corpora.texts.parcels import NotOurs, pack_text, unpack_text

Name = Annotated[str, typer.Argument(help="A text's name; `repro data list` shows them.")]
Packed = Annotated[Path, typer.Argument(help="What `repro data pack` wrote.", exists=True, dir_okay=False)]


def pack(
    name: Name, to: Annotated[Path, typer.Option(help="The folder to write into.", file_okay=False)] = Path()
) -> None:
    """Write a text as one compressed file, for a machine whose packages differ: minutes for a large one."""
    from repro.bookkeeping.sweeps.progress import progress

    console = Console(stderr=True)
    with refusing(ValueError):
        wanted = manifest(name)
    with refusing(EnvironmentDiffers), progress(f"packing {name}", wanted.bytes, of="bytes") as advance:
        path = pack_text(wanted, to, advance)
    console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB for {wanted.bytes / 1e6:.0f} MB of text", soft_wrap=True)


def unpack(file: Packed) -> None:
    """Keep a packed text in the cache, checked by its sha256."""
    with refusing(NotOurs, OSError):
        found = unpack_text(file)
    Console(stderr=True).print(
        f"{found.name}: {found.bytes / 1e6:.0f} MB of text, sha256 {found.sha256}", soft_wrap=True
    )


def take_survey(
    name: Name,
    vocabulary: Annotated[
        list[int] | None,
        typer.Option(help="A tokeniser to state the tokens of; may be repeated. Left out: those stated now."),
    ] = None,
) -> None:
    """Write a text's manifest anew from the packages installed here (after a change of constraints.txt)."""
    from repro.corpora.texts.text import tokens_of

    console = Console(stderr=True)
    with refusing(ValueError, EnvironmentDiffers), console.status(f"reading the packages of {name}"):
        old = manifest(name)
        found = _written(survey(old))
        for size in vocabulary or old.tokens:
            console.print(f"{name}: cutting it into tokens of a vocabulary of {size}")
            tokens = tokens_of(environment(name, size))
            counts = TokenCounts(len(tokens.train), len(tokens.test), tokens.sha256)
            found = _written(replace(found, tokens={**found.tokens, size: counts}))
    console.print(f"{kept_in(name)}: sha256 {found.sha256}", soft_wrap=True)


def grid_of_texts() -> Table:
    """The texts, their size, and whether this machine has them."""
    grid = Table("text", "training MB", "test MB", "training tokens (vocabulary)", "at hand")
    for known in manifests().values():
        sizes = ", ".join(f"{counts.train / 1e6:.0f} M ({size})" for size, counts in known.tokens.items())
        grid.add_row(
            known.name, f"{known.train_bytes / 1e6:.0f}", f"{known.test_bytes / 1e6:.0f}", sizes, _state(known)
        )
    return grid


def _written(found: Manifest) -> Manifest:
    kept_in(found.name).write_text(spell(found), encoding="utf-8")
    manifests.cache_clear()
    return found


def _state(known: Manifest) -> str:
    if kept_text_at(known.sha256).is_file():
        return "yes, in the cache"
    other = other_versions(known)
    return f"no: {other[0]}" if other else "yes, from the installed packages"
