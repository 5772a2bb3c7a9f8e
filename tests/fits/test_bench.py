"""The benchmark of the fits, in small."""

import json

from typer.testing import CliRunner

from repro.cli.bench import app
from repro.fits.bench import bench_fits, bench_runs


def test_no_refit_is_worse_and_the_job_is_faster(monkeypatch):
    """On planted runs where no table is at hand; the output says so."""
    monkeypatch.delenv("REPRO_DATA", raising=False)

    found = bench_fits(resamples=60, repeat=1, timed=20)

    assert (240, 60, 20) == (found.runs, found.resamples, found.scipy_timed)
    assert "planted" in found.table
    assert (0, 0) == (found.worse, found.unconverged)
    assert found.ratio > 1


def test_the_command_prints_one_json_object(monkeypatch):
    """For programs; progress goes elsewhere."""
    monkeypatch.delenv("REPRO_DATA", raising=False)
    options = ["fits", "--json", "--repeat", "1", "--resamples", "20", "--timed", "5"]

    result = CliRunner().invoke(app, options)

    assert 0 == result.exit_code
    assert len(bench_runs()[1]) == json.loads(result.stdout)["runs"]


def test_the_command_prints_a_table(monkeypatch):
    """With the goal and whether it was reached."""
    monkeypatch.delenv("REPRO_DATA", raising=False)

    result = CliRunner().invoke(app, ["fits", "--repeat", "1", "--resamples", "20", "--timed", "5"])

    assert "ratio, scipy over our best" in result.stdout
