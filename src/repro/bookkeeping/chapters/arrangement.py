"""An executed notebook as a page: the answer first, code folded, told sentences as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import nbformat

from repro.bookkeeping.display.telling import as_listed, in_short
from repro.bookkeeping.ledger import Claim, Outcome, Verdict

HEADLINES = 5  # claims in an answer that nobody has put into words
SET_UP = re.compile(r"\s*(?:from|import)\s")
Cell = nbformat.NotebookNode


def arranged(cells: list[Cell], claims: Mapping[str, Claim], verdicts: list[Verdict]) -> list[Cell]:
    """The cells of a page in a reader's order.

    The answer stands under the title: what the notebook says of itself by `study.in_short`, or else the first claims
    that it settles. What `study.tell` told is a cell of text. Imports are left out, other code is folded, neighbours
    without output in one; a cell tagged `show-input` stays open.
    """
    boxes: list[str] = []
    flowing = [part for cell in cells for part in _parts(cell, boxes)]
    box = boxes[0] if boxes else _default(claims, verdicts)
    return list(_folded(_with_answer(flowing, box)))


def _parts(cell: Cell, boxes: list[str]) -> Iterator[Cell]:
    """A cell, cut where it tells: text becomes a cell of text, and code without any other output is left out."""
    if not any(_told(shown) for shown in cell.get("outputs", [])):
        yield cell
        return
    kept: list[Any] = []
    for shown in cell.outputs:
        if not (told := _told(shown)):
            kept.append(shown)
        elif told.get("in_short"):
            boxes.append(_words(shown))
        else:
            if kept:
                yield _with_outputs(cell, kept)
                cell, kept = _with_outputs(cell, []), []
                cell["source"] = ""
            yield nbformat.v4.new_markdown_cell(_words(shown))
    if kept:
        yield _with_outputs(cell, kept)


def _told(shown: Any) -> dict[str, Any]:
    return dict(shown.get("metadata", {}).get("repro", {}).get("told", {}))


def _words(shown: Any) -> str:
    return "".join(shown["data"]["text/markdown"])


def _with_outputs(cell: Cell, outputs: list[Any]) -> Cell:
    parted: Cell = nbformat.from_dict({**cell, "outputs": outputs})
    return parted


def _default(claims: Mapping[str, Claim], verdicts: list[Verdict]) -> str:
    settled = [v for v in verdicts if v.outcome is not Outcome.UNTESTED]
    first = ([v for v in settled if not claims[v.claim].control] or settled)[:HEADLINES]
    about = {verdict.claim: claims[verdict.claim] for verdict in first}
    return in_short(as_listed(first, about), {v.claim: v for v in first}, about) if first else ""


def _with_answer(cells: list[Cell], box: str) -> Iterator[Cell]:
    """Title, answer, and what followed the title."""
    for place, cell in enumerate(cells):
        if place == 0 and box and cell.cell_type == "markdown":
            title, _, rest = cell.source.partition("\n")
            yield nbformat.v4.new_markdown_cell(title)
            yield nbformat.v4.new_markdown_cell(f":::{{admonition}} In short\n:class: repro-short\n\n{_bare(box)}\n:::")
            if rest.strip():
                yield nbformat.v4.new_markdown_cell(rest.strip())
        else:
            yield cell


def _bare(box: str) -> str:
    return box.removeprefix("**In short.** ")


def _folded(cells: Iterator[Cell]) -> Iterator[Cell]:
    """Code cells tagged for folding; one without output waits for the next, to be one with it."""
    waiting: Cell | None = None
    for cell in cells:
        folded = cell.cell_type == "code" and _fold(cell)
        if waiting is not None and folded:
            cell["source"], waiting = f"{waiting.source}\n\n{cell.source}", None
        elif waiting is not None:
            yield waiting
            waiting = None
        if folded and not cell.outputs:
            waiting = cell
        else:
            yield cell
    if waiting is not None:
        yield waiting


def _fold(cell: Cell) -> bool:
    """Tag a code cell, and say whether it is one of those that a reader may unfold."""
    tags = set(cell.metadata.get("tags", []))
    if "show-input" in tags:
        return False
    left_out = bool(SET_UP.match(cell.source)) and not cell.outputs
    left_out |= bool({"parameters", "injected-parameters"} & tags) or not cell.source.strip()
    cell.metadata["tags"] = sorted({*tags, "remove-input" if left_out else "hide-input"})
    return not left_out
