"""`repro data pack|unpack|survey`: texts made of installed packages, on their way between machines and versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column
from rich.table import Table as Grid

from repro.cli.refusal import refusing
from repro.corpora.environment import Environment, EnvironmentDiffers, at_hand, differences_here, survey
from repro.corpora.manifest import Manifest, manifest, manifests, spell
from repro.corpora.parcels import NotOurs, pack_text, unpack_text

Name = Annotated[str, typer.Argument(help="A text's name; `repro data list` shows them.")]


def pack(
    name: Name, to: Annotated[Path, typer.Option(help="The folder to write into.", file_okay=False)] = Path()
) -> None:
    """Write a text as one compressed file, for a machine whose packages differ: minutes for a large one."""
    console = Console(stderr=True)
    with refusing(ValueError, EnvironmentDiffers), Progress(console=console, transient=True) as progress:
        wanted = manifest(name)
        bar = progress.add_task(f"packing {name}", total=wanted.bytes)
        path = pack_text(wanted, to, lambda done: progress.advance(bar, done))
    console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB for {wanted.bytes / 1e6:.0f} MB of text", soft_wrap=True)


def unpack(file: Annotated[Path, typer.Argument(help="What `repro data pack` wrote.", dir_okay=False)]) -> None:
    """Keep a packed text in the cache, checked by its sha256."""
    with refusing(NotOurs, OSError):
        found = unpack_text(file)
    Console(stderr=True).print(f"{found.name}: {found.bytes / 1e6:.0f} MB of text, sha256 {found.sha256}", soft_wrap=True)
