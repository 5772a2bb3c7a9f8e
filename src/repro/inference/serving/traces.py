"""Request traces: how many tokens each request reads and writes, drawn by stated means or read from a file."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.corpora.tables.tables import TableId, adopt, find_table
from repro.inference.serving.configurations import Workload

COLUMNS = ("arrival", "prompt", "output")


class BadTrace(ValueError):
    """A file of requests that cannot be replayed; the message names the line and what was expected."""


@dataclass(frozen=True)
class Request:
    """One request: seconds at which it arrives, tokens that it reads and tokens that it writes."""

    arrival: float
    prompt: int
    output: int

    @property
    def total(self) -> int:
        """Slots that it fills by its end."""
        return self.prompt + self.output


def requests_of(source: Workload | TableId, seed: int, *, longest: int) -> list[Request]:
    """The requests of a workload, or of a reader's trace, whose seed changes nothing.

    Args:
        longest: tokens that the model can hold; a drawn prompt is cut to leave room for one, an output to the rest.
    """
    if isinstance(source, TableId):
        return read_trace(find_table(source), longest=longest)
    generator = np.random.default_rng(seed)
    prompts, outputs = (part.draw(source.requests, generator) for part in (source.prompt, source.output))
    read = np.clip(np.rint(prompts), 1, longest - 1).astype(int)
    written = np.clip(np.rint(outputs), 1, longest - read).astype(int)
    return [Request(0.0, p, o) for p, o in zip(read.tolist(), written.tolist(), strict=True)]


def adopt_trace(path: Path, *, longest: int) -> TableId:
    """Check a reader's own trace and copy it to where every worker finds it by its contents.

    Raises:
        BadTrace: as `read_trace`.
    """
    read_trace(path, longest=longest)
    return adopt(path)


def read_trace(path: Path, *, longest: int) -> list[Request]:
    """Requests of a CSV with the columns arrival (seconds), prompt and output (tokens), in the order of arrival.

    Raises:
        BadTrace: no such file, other columns, no request, or a row that is malformed or too long for the model.
    """
    if not path.is_file():
        raise BadTrace(f"{path}: no such file; expected a CSV with the columns {', '.join(COLUMNS)}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = [cell.strip().casefold() for cell in next(reader, [])]
        if sorted(header) != sorted(COLUMNS):
            raise BadTrace(f"{path}: line 1 names {header or 'no column'}; expected {', '.join(COLUMNS)}")
        requests = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                where = f"{path}: line {reader.line_num}"
                if len(cells) != len(header):
                    raise BadTrace(f"{where} has {len(cells)} cells; expected {len(header)}")
                requests.append(_request(where, dict(zip(header, cells, strict=True)), longest))
    if not requests:
        raise BadTrace(f"{path} holds no request below its header")
    return sorted(requests, key=lambda request: request.arrival)


def _request(where: str, cells: dict[str, str], longest: int) -> Request:
    try:
        arrival = float(cells["arrival"])
    except ValueError:
        arrival = math.nan
    if not (math.isfinite(arrival) and arrival >= 0):
        raise BadTrace(f"{where}: arrival is {cells['arrival']!r}; expected seconds since the start, such as 12.5")
    tokens = {name: cells[name].strip() for name in ("prompt", "output")}
    for name, text in tokens.items():
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise BadTrace(f"{where}: {name} is {text!r}; expected a whole number of tokens of at least 1")
    request = Request(arrival, int(tokens["prompt"]), int(tokens["output"]))
    if request.total > longest:
        raise BadTrace(f"{where}: {request.total} tokens; the model holds {longest} (a knob: longest)")
    return request
