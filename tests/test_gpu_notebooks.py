"""Every notebook that has a gpu scale, run at it on an imitated GPU with its sizes cut.

Real are the notebook's own cells, its choices ([gpu]'s texts and switches: device, precision, layouts, static passes),
and all code between them and the kernels. Its sizes are those of [smoke], or of CUTS where these take too long. What
such small runs cannot do is settle every claim: a cell may end in an estimate that the statistics refuse (SETTLING),
and in nothing else.
"""

from __future__ import annotations

import ast
import json
import traceback
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from imitated_gpu import NAME, ImitatedGPU, can_be_imitated

from repro.bookkeeping import study
from repro.bookkeeping.notebooks import Notebook, notebooks
from repro.floor.scale import KnobValue, Scale, Setting, load_scales

CHECKOUT = Path(__file__).parents[1]
NOTEBOOKS = [each for each in notebooks(CHECKOUT / "experiments") if Scale.GPU in each.settings()]
LARGEST_RECORD = 16 * 1024  # bytes

LADDER: dict[str, KnobValue] = {"batch": 8192, "first_reading": 8192, "warmup": 8192}
ALIGNED: dict[str, KnobValue] = {"sft_steps": 8, "fit_steps": 6, "ppo_steps": 4, "episodes": 16, "samples": 50}
CUTS: dict[str, dict[str, KnobValue]] = {
    "cache-measured": {
        "precisions": ["bfloat16", "float16"],
        **{"generated": 2, "rounded": 3, "held": 64, "steps": 1, "lengths": [4, 8]},
    },
    "exactness": {"answers": 2, "assisted_samples": 250},  # fewer leave a flat law without two cells to test
    "chinchilla-trained": {**LADDER, "long_warmup": 16384, "repeated_tokens": 32768, "planted": True},
    "frontier": ALIGNED,
    "heads-and-quality": {"batch": 4096},
    "kaplan-laws": LADDER,
    "lora-or-full": ALIGNED,
    "speed": {"batch": 4096, "rounds": 3, "batches": 20},
    "one-card": {"model": ""},  # 65 billion weights of four bits are no memory of this machine
}
SETTLING = ("statistics", "ledger", "estimates.py", "fits")  # where a run too small to settle a claim may be refused


def cut_knobs(name: str, settings: dict[Scale, Setting]) -> dict[str, KnobValue]:
    """The knobs of [gpu] with the sizes of [smoke]; texts and switches choose code, so they stay, but not the data."""
    smoke = settings[Scale.SMOKE].knobs
    chosen = {knob: value for knob, value in settings[Scale.GPU].knobs.items() if knob != "data" and _chooses(value)}
    return {**smoke, **chosen, **CUTS.get(name, {})}


def _chooses(value: KnobValue) -> bool:
    return isinstance(value[0] if isinstance(value, list) and value else value, bool | str)


@pytest.fixture(params=NOTEBOOKS, ids=lambda notebook: notebook.name)
def notebook(request: pytest.FixtureRequest) -> Notebook:
    """Each notebook with a gpu scale."""
    return request.param


@pytest.fixture
def results(notebook: Notebook, gpu: ImitatedGPU, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder of results, for a notebook whose knobs at scale gpu are cut."""

    def cut(path: Path) -> dict[Scale, Setting]:
        settings = load_scales(path)
        knobs = cut_knobs(notebook.name, settings)
        return {**settings, Scale.GPU: replace(settings[Scale.GPU], knobs=knobs)}

    monkeypatch.setattr(study, "load_scales", cut)
    for name, value in {"RESULTS": "results", "CACHE": "cache"}.items():
        monkeypatch.setenv(f"REPRO_{name}", str(tmp_path / value))
    monkeypatch.setenv("REPRO_ENGINE", "batched")
    return tmp_path / "results"


def faults(notebook: Notebook) -> list[str]:
    """What stops a notebook's cells at scale gpu, but for estimates that so small a run cannot make."""
    space: dict[str, Any] = {"__name__": "__main__"}
    found, unmade = [], set()
    for number, cell in enumerate(nbformat.read(notebook.path, as_version=4).cells):
        if cell.cell_type != "code":
            continue
        try:
            with redirect_stdout(StringIO()):
                exec(compile(cell.source, f"cell {number} of {notebook.name}", "exec"), space)
        except Exception as error:  # noqa: BLE001 - each is reported, with its cell
            if _cannot_settle(error) or (isinstance(error, NameError) and error.name in unmade):
                names = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)]
                unmade |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
            else:
                found.append(f"cell {number}: {type(error).__name__}: {error}")
        space["scale"] = "gpu"
    return found


def _cannot_settle(error: Exception) -> bool:
    place = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return isinstance(error, ValueError) and bool(set(SETTLING) & set(place.parts))


@pytest.mark.slow
@pytest.mark.skipif(not can_be_imitated(), reason="the imitation is compiled with g++, which is not here")
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs_at_scale_gpu(notebook: Notebook, results: Path, gpu: ImitatedGPU):
    """Every trial on the GPU is recorded, and no record is larger than one may be."""
    assert [] == faults(notebook)
    records = list(results.glob("records/*/*.json"))
    assert records and gpu.launches
    assert {NAME} == {json.loads(record.read_text(encoding="utf-8"))["provenance"]["device"] for record in records}
    assert max(record.stat().st_size for record in records) <= LARGEST_RECORD
