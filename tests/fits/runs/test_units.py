"""Units that no training run has are asked about, by row and column, and never fitted."""

import pytest

from repro.fits.runs.reading import BadRuns, read_runs

PETAFLOP_DAY = 8.64e19


@pytest.mark.parametrize(
    "columns, scale, reasons",
    [
        (["N", "C", "loss"], {"C": PETAFLOP_DAY}, ("'C' in petaflop days", "tokens; expected at least 1000")),
        (["D", "C", "loss"], {"C": PETAFLOP_DAY}, ("'C' in petaflop days", "parameters; expected at least 100")),
        (["N", "D", "C", "loss"], {"C": PETAFLOP_DAY}, ("'C' in petaflop days", "C / 6 N D")),
        (["N", "D", "C", "loss"], {"C": 1e18}, ("'C' in units of 1e+18 FLOP", "C / 6 N D")),
        (["N", "C", "loss"], {"C": 1e15}, ("'C' in units of 1e+15 FLOP",)),
        (["N", "D", "loss"], {"N": 1e5}, ("tokens per parameter; expected", "is 'N' in thousands?")),
        (["N", "D", "loss"], {"N": 1e5, "D": 1e5}, ("FLOP in the middle run",)),
    ],
)
def test_units_that_cannot_be_are_asked_about(saved, runs, columns, scale, reasons):
    frame = runs[columns].assign(**{name: runs[name] / unit for name, unit in scale.items()})
    with pytest.raises(BadRuns, match="row ") as caught:
        read_runs(saved(frame))
    for reason in reasons:
        assert reason in str(caught.value)


def test_parameters_in_millions_are_asked_about(saved, runs):
    """Those of larger models, so that no cell alone gives them away."""
    frame = runs[["N", "D", "loss"]].assign(N=runs["N"] * 20 / 1e6, D=runs["D"] * 20)
    with pytest.raises(BadRuns, match=r"tokens per parameter; .* is 'N' in millions\?"):
        read_runs(saved(frame))


def test_one_row_in_another_unit_is_named(saved, runs):
    """A size typed in millions among sizes in full."""
    frame = runs[["N", "D", "loss"]].copy()
    frame.loc[20, "N"] /= 1e6
    with pytest.raises(BadRuns, match="row 22"):
        read_runs(saved(frame))


def test_units_in_the_names_give_the_same_runs(saved, runs):
    """The same file with and without units in its header."""
    plain = read_runs(saved(runs[["N", "C", "loss"]]))
    frame = runs[["N", "C", "loss"]].assign(N=runs["N"] / 1e6, C=runs["C"] / PETAFLOP_DAY)
    named = read_runs(saved(frame.rename(columns={"N": "params (M)", "C": "compute (PF-days)"})))

    assert plain.frame["D"].tolist() == pytest.approx(named.frame["D"].tolist())
    assert "units by the columns' names: 'params (M)' times 1e+06, 'compute (PF-days)' times 8.64e+19" in named.notes


def test_tiny_models_are_no_mistake(saved, runs):
    """Kaplan's smallest had 768 parameters; ladders of thousands are trained on one core."""
    frame = runs[["N", "D", "loss"]].assign(N=runs["N"] / 2000, D=runs["D"] / 2000)

    assert len(frame) == len(read_runs(saved(frame)).frame)


def test_perplexities_are_doubted(saved, runs):
    import numpy as np

    read = read_runs(saved(runs[["N", "D"]].assign(loss=np.exp(runs["loss"]))))

    assert any("perplexities" in warning for warning in read.warnings)
