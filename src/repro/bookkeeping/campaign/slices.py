"""The slices that experiments/campaign.toml declares: each a notebook, its limit, what it should take and settle."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from repro.bookkeeping.knobs import check_parameters
from repro.bookkeeping.notebooks import Notebook, notebooks
from repro.bookkeeping.sweeps.settings import engines
from repro.floor.faults import fault, printable
from repro.floor.scale import KnobValue
from repro.floor.toml_files import load_toml, table_of

# What the smallest work takes on one H100, predicted until there are records to read it from.
LAUNCH = 10e-6  # seconds of an operation launched alone, whatever it computes
REPLAYED = 2.5e-6  # seconds of one inside a CUDA graph
BANDWIDTH = 2.5e12  # bytes per second, of 3.35e12 that the card's makers state


class Slice(BaseModel):
    """A notebook that is run for some minutes at most.

    Fields: `within` seconds; `engine` and `jobs` as `repro run` takes them; `knobs` other than the scale's own;
    `settles` the claims that it is run for. Predicted counts: `operations` in floating point, done at
    `flops_per_second`; `bytes_moved` between the device and its memory where that decides; `launches` of operations
    alone, and `replayed` inside CUDA graphs; `besides` seconds of the processor alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    notebook: str
    within: float = Field(gt=0)
    engine: str = "batched"
    jobs: int | None = Field(default=None, ge=1)
    knobs: dict[str, KnobValue] = Field(default_factory=dict)
    settles: tuple[str, ...] = Field(min_length=1)
    operations: float = Field(gt=0)
    flops_per_second: float = Field(gt=0)
    launches: float = Field(ge=0)
    replayed: float = Field(default=0, ge=0)
    bytes_moved: float = Field(default=0, ge=0)
    besides: float = Field(default=0, ge=0)

    @field_validator("engine")
    @classmethod
    def _is_an_engine(cls, engine: str) -> str:
        if engine not in engines:
            raise ValueError(f"{engine!r} is no engine; expected one of {', '.join(engines)}")
        return engine

    @property
    def predicted(self) -> float:
        """Seconds that it should take."""
        work = self.operations / self.flops_per_second + self.bytes_moved / BANDWIDTH
        return work + self.launches * LAUNCH + self.replayed * REPLAYED + self.besides


def load_slices(path: Path) -> list[Slice]:
    """The slices of a campaign.toml, in its order; notebooks are looked for in the folder where it lies.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an entry that breaks the schema, named with its place and notebook, or a notebook that is not there.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; it declares the slices of a campaign")
    declared = load_toml(path)
    if set(declared) != {"slice"} or not isinstance(declared["slice"], list):
        raise ValueError(f"{path}: expected [[slice]] entries and nothing else, got {sorted(declared)}")
    known = [notebook.name for notebook in notebooks(path.parent)]
    tables = [table_of(path, "slice", fields) for fields in declared["slice"]]
    slices = [_slice(path, place, fields) for place, fields in enumerate(tables, start=1)]
    for one in slices:
        _refuse_unknown(one.notebook, known, f"{path}: no notebook {one.notebook!r}")
    return slices


def _slice(path: Path, place: int, fields: dict[str, Any]) -> Slice:
    try:
        return Slice(**fields)
    except ValidationError as error:
        named = printable(str(fields.get("notebook", "no notebook")))
        raise ValueError(f"{path}: slice {place} ({named}): {fault(error)}") from None


def choose(slices: Sequence[Slice], names: Sequence[str]) -> list[Slice]:
    """The slices of these notebooks, in the order declared; all of them where none is named.

    Raises:
        LookupError: a notebook without a slice, with the nearest name.
    """
    known = [one.notebook for one in slices]
    for name in names:
        _refuse_unknown(name, known, f"no slice {name!r}")
    return [one for one in slices if not names or one.notebook in names]


def _refuse_unknown(name: str, known: Sequence[str], words: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise LookupError(f"{words}; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"))


def refuse_unfit_knobs(slices: Sequence[Slice], experiments: Path, scale: str) -> None:
    """Raise what `repro run` raises of a knob or scale that a slice's notebook does not have."""
    for one in slices:
        check_parameters({"scale": scale, **one.knobs}, notebook_of(one, experiments).settings())


def notebook_of(one: Slice, experiments: Path) -> Notebook:
    """The notebook of a slice."""
    return next(notebook for notebook in notebooks(experiments) if notebook.name == one.notebook)
