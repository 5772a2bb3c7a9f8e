"""Tables are found by their bytes, and nothing else will do."""

import os

import numpy as np
import pandas as pd
import pytest

from repro.corpora.tables.tables import (
    Table,
    TableId,
    TableMissing,
    TableWrong,
    adopt,
    complete,
    find_table,
    kept_at,
    load_runs,
    load_table,
    table,
    table_id,
    tables,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of REPRO_DATA, with a cache of its own."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("REPRO_DATA", str(data))
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    return data


def test_manifest_is_complete():
    """Every table says where it comes from, under which licence, and how a reader may get it."""
    for entry in tables().values():
        assert 64 == len(entry.sha256)
        assert f"{entry.name}.csv" == entry.file
        assert entry.rows > 0 and entry.licence and entry.about and entry.derived
        assert entry.fetch in ("copied", "converted", "by hand")
        assert (entry.fetch == "by hand") == (not entry.sources)
        assert (entry.fetch == "converted") == bool(entry.convert)
        assert bool(entry.columns) == bool(entry.counting)


def test_manifest_names_every_file_of_a_joined_table():
    """Gadre et al. published 104 models with two files each; Pythia has 16 models at 27 checkpoints."""
    assert 2 * 104 == len(table("gadre_104_models").sources)
    assert 16 * 27 == len(table("pythia_zero_shot_long").sources)


def test_missing_table_names_the_command_that_gets_it(folder):
    """A reader without the table is told the very command to type, and the other way."""
    with pytest.raises(TableMissing, match=r"repro data fetch gemstones_hot .*REPRO_DATA"):
        find_table(table_id("gemstones_hot"))


def test_wrong_bytes_are_an_error_that_names_both_hashes(folder):
    """A file of the right name and other bytes is never used in silence."""
    wanted = table_id("gemstones_hot")
    (folder / "gemstones_hot.csv").write_text("run_name\n")
    with pytest.raises(TableWrong, match=wanted.sha256) as caught:
        find_table(wanted)
    assert "repro data fetch gemstones_hot" in str(caught.value)


def test_folders_are_searched_in_order(folder, tmp_path, monkeypatch):
    """REPRO_DATA may name several folders, as PATH does."""
    wanted = adopt(_own(tmp_path))
    second = tmp_path / "second"
    second.mkdir()
    (second / "own.csv").write_bytes((tmp_path / "own.csv").read_bytes())
    monkeypatch.setenv("REPRO_DATA", f"{folder}{os.pathsep}{second}")
    assert second / "own.csv" == find_table(wanted)


def test_adopted_table_is_found_by_its_hash_after_the_file_is_gone(folder, tmp_path):
    """A worker needs the identity alone, not the reader's path."""
    path = _own(tmp_path)
    wanted = adopt(path)
    path.unlink()
    assert kept_at(wanted.sha256) == find_table(wanted)
    assert [1.0, 2.0] == load_table(wanted)["loss"].tolist()


def test_identity_refuses_a_hash_that_is_none():
    """A path or a shortened hash is no identity."""
    with pytest.raises(ValueError, match="64 lower-case hexadecimal"):
        TableId("gemstones_hot", "e9e8fe66")


def test_the_quantity_that_is_absent_follows_from_six_flop_a_parameter_and_token():
    """Two of N, D, C give the third, C = 6 N D."""
    for absent in "NDC":
        runs = pd.DataFrame({"N": [2e9], "D": [3e10], "C": [3.6e20], "loss": [2.5]}).drop(columns=absent)
        assert [2e9, 3e10, 3.6e20, 2.5] == pytest.approx(complete(runs).iloc[0].tolist())


def test_tables_that_are_no_runs_say_which_are():
    """Benchmark scores have no loss to fit."""
    with pytest.raises(ValueError, match="epoch_chinchilla"):
        load_runs(table_id("obsscaling_base_llm_benchmark_eval"))


@pytest.mark.parametrize("entry", [entry for entry in tables().values() if entry.columns], ids=lambda entry: entry.name)
def test_runs_are_positive_and_obey_six_n_d(entry: Table):
    """Every declared table of runs, read through its columns, has C = 6 N D and as many rows as the manifest says."""
    try:
        runs = load_runs(entry.id)
    except TableMissing as missing:
        pytest.skip(str(missing))
    assert ["N", "D", "C", "loss"] == list(runs.columns[:4])
    assert entry.rows == len(runs)
    assert (runs[["N", "D", "C", "loss"]] > 0).all(axis=None)
    np.testing.assert_allclose(6 * runs["N"] * runs["D"], runs["C"], rtol=1e-9)


def _own(folder):
    path = folder / "own.csv"
    path.write_text("N,loss\n1,1.0\n2,2.0\n")
    return path
