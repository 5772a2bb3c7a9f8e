"""How much of a slice is on record already: its notebook, run from records alone."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from repro.bookkeeping.campaign.slices import Slice, notebook_of
from repro.bookkeeping.chapters import Failed, Server, execute, side_by_side

MISSING = re.compile(r"(\d+) of (\d+) trials of \w+ are not on record")


@dataclass(frozen=True)
class Outlook:
    """Trials of a slice: `recorded` of `wanted` are on record; not `whole` where later sweeps could not be counted."""

    recorded: int
    wanted: int
    whole: bool

    def __str__(self) -> str:
        return f"all {self.recorded}" if self.whole else f"{self.recorded} of {self.wanted}+"


def outlooks(slices: Sequence[Slice], experiments: Path, scale: str) -> list[Outlook]:
    """The outlook of each slice; a notebook takes some seconds."""

    def look(server: Server, one: Slice) -> Outlook:
        parameters = {"scale": scale, "compute": "never", **one.knobs}
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "executed.ipynb"
            try:
                execute(notebook_of(one, experiments), parameters, output, go_on=True, server=server)
            except Failed as failed:
                if failed.draft is None:
                    raise
                outlook = _outlook(failed.draft, whole=False)
                shutil.rmtree(failed.draft.parent)
                return outlook
            return _outlook(output, whole=True)

    return side_by_side(look, slices, at_once=1)


def _outlook(executed: Path, *, whole: bool) -> Outlook:
    """Trials that a notebook counted: in sweeps that are whole when it closed, in the others when they were refused."""
    shown = [out for cell in nbformat.read(executed, as_version=4).cells for out in cell.get("outputs", [])]
    notes = [out.get("metadata", {}).get("repro", {}).get("closed") for out in shown]
    looked_up = sum(int(closed["trials on record"]) for closed in notes if closed)
    parts = [MISSING.search(out.evalue) for out in shown if out.output_type == "error"]
    missing = [(int(part[1]), int(part[2])) for part in parts if part]
    wanted = looked_up + sum(total for _, total in missing)
    return Outlook(wanted - sum(absent for absent, _ in missing), wanted, whole)
