"""One file, two doors: the page of a reader's own runs says what `repro fit` says."""

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from repro.bookkeeping.study import Study
from repro.cli.fit import fit
from repro.fits.runs.planted import Planted, plant

NOTEBOOK = Path(__file__).parents[2] / "experiments" / "scaling-chinchilla" / "own-runs.ipynb"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """54 planted runs with an outlier in row 7, and the first four once more."""
    runs = plant(Planted(sizes=6, noise=0.003), seed=0)[["N", "D", "loss"]]
    runs.loc[5, "loss"] *= 3
    path = tmp_path_factory.mktemp("own") / "my runs.csv"
    pd.concat([runs, runs[:4]]).to_csv(path, index=False)
    return path


@pytest.fixture
def page(own, tmp_path, monkeypatch):
    """What the notebook's cells show of that file: tables by caption, and the figure's words."""
    shown = {"tables": {}, "words": []}
    monkeypatch.setenv("REPRO_RESULTS", str(tmp_path))
    monkeypatch.setattr(Study, "table", lambda study, frame, *, caption: shown["tables"].update({caption: frame}))
    monkeypatch.setattr(Study, "figure", lambda study, drawn, *, caption, **_: shown["words"].append(caption))
    given = {"scale": "smoke", "runs": str(own), "resamples": 200}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []):
            exec(cell.source, given)
    return shown


def _command(*arguments):
    app = typer.Typer()
    app.command()(fit)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "1000"})


def test_the_page_and_the_command_give_one_answer(own, page):
    """Every number, warning and note of the page stands in the command's answer, and the other way round."""
    printed = _command(own, "--resamples", 200).stdout
    answer = json.loads(_command(own, "--resamples", 200, "--json").stdout)
    *tables, said = page["tables"].values()

    for frame in tables:
        assert all(text in printed for text in frame.to_numpy().ravel())
    for approach, text in zip(answer["approaches"], tables[0]["a  (N* ~ C^a)"], strict=True):
        assert "{value:.3f} [{low:.3f}, {high:.3f}]".format(**approach["a"]) == text
    assert [*answer["warnings"], *answer["notes"]] == said["of these runs"].tolist()
    assert {"copies": [56, 57, 58, 59], "outliers": [7]} == answer["left_out"]


def test_the_page_calls_the_file_by_its_name_and_counts_its_rows(page):
    """In each caption; nothing calls them the points of another table."""
    for words in [*page["tables"], *page["words"]]:
        assert "my runs.csv" in words and "igitised" not in words
        assert "53 runs of my runs.csv" in words or "What to distrust" in words
