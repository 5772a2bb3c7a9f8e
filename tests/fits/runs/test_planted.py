"""Planted runs."""

import numpy as np
import pandas as pd
import pytest

from repro.corpora.tables.tables import table_id
from repro.fits.laws.surface import BESIROGLU
from repro.fits.runs.planted import Planted, named_runs, noisy_loss, plant, runs_of, without_worst
from repro.fits.runs.reading import BadRuns


def test_planted_runs_lie_on_their_surface_but_for_the_noise():
    """Log loss scatters by what was asked for, about the truth."""
    runs = plant(Planted(noise=0.01, sizes=200), seed=0)
    scatter = np.log(runs["loss"] / BESIROGLU.loss(runs["N"], runs["D"]))

    assert pytest.approx(0.01, rel=0.05) == scatter.std()
    assert abs(scatter.mean()) < 0.001
    np.testing.assert_allclose(runs["C"], 6 * runs["N"] * runs["D"], rtol=1e-12)


def test_the_seed_alone_decides_the_noise():
    """The same seed plants the same runs."""
    pd.testing.assert_frame_equal(plant(Planted(), seed=4), plant(Planted(), seed=4))
    assert not plant(Planted(), seed=4)["loss"].equals(plant(Planted(), seed=5)["loss"])


@pytest.mark.parametrize("tokens_per_parameter", [20.0, None])
def test_the_layout_is_centred_where_it_says(tokens_per_parameter):
    """On a fixed D/N, or on the surface's own optimum."""
    planted = Planted(sizes=5, tokens_per_parameter=tokens_per_parameter)
    middle = plant(planted, seed=0).iloc[2]
    expected = BESIROGLU.tokens_per_parameter(middle["C"]) if tokens_per_parameter is None else 20.0

    assert float(expected) == pytest.approx(middle["D"] / middle["N"])


def test_noise_can_be_laid_on_given_runs():
    """Without noise the loss is the surface's own."""
    N, D = np.array([1e8, 1e9]), np.array([1e10, 1e11])

    np.testing.assert_array_equal(BESIROGLU.loss(N, D), noisy_loss(BESIROGLU, N, D, noise=0.0, seed=0))


def test_runs_have_names():
    """`planted` needs no table; every other name is a public table's."""
    assert Planted() == named_runs("planted")
    assert 225 == len(runs_of(named_runs("planted"), seed=0))
    assert table_id("gadre_104_models") == named_runs("gadre_104_models")


def test_the_worst_runs_are_left_out_in_place():
    """The largest losses go; the order of the others stays."""
    runs = pd.DataFrame({"loss": [3.0, 9.0, 2.0, 8.0, 4.0]})

    assert [3.0, 2.0, 4.0] == without_worst(runs, 2)["loss"].tolist()
    with pytest.raises(ValueError, match="expected 0 to 4"):
        without_worst(runs, 5)


def test_a_readers_own_file_is_found_by_its_contents_wherever_it_lay(tmp_path):
    """A worker knows name and sha256, never the path, so the file may be gone by the time it is read."""
    runs = plant(Planted(sizes=4), seed=0)
    path = tmp_path / "my.csv"
    runs[["N", "D", "loss"]].to_csv(path, index=False)

    source = named_runs(str(path))
    path.unlink()

    assert runs["loss"].tolist() == pytest.approx(runs_of(source, seed=0)["loss"].tolist())


def test_a_readers_malformed_file_is_refused_with_its_row(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("N,D,loss\n" + "1e8,1e9,3\n" * 6 + "1e8,many,3\n")
    with pytest.raises(BadRuns, match="row 8"):
        named_runs(str(path))
