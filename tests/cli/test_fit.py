"""`repro fit` through the real command line: planted truth comes back, weak data are called weak."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from repro.cli.fit import fit

BUDGETS = (1e18, 3e18, 1e19, 3e19, 1e20, 3e20)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Runs of a known surface, alpha 0.35, beta 0.37, so a = 0.37 / 0.72, with 0.2 % noise on the loss."""
    path = tmp_path_factory.mktemp("fit") / "planted.csv"
    path.write_text("params,tokens,val_loss,counting\n" + "\n".join(_runs(BUDGETS, noise=0.002)))
    return path


def _runs(budgets, *, noise, span=6.0, sizes=9):
    rng, rows = np.random.default_rng(1), []
    for budget in budgets:
        middle = (0.35 * 480 / (0.37 * 2100)) ** (1 / 0.72) * (budget / 6) ** (0.37 / 0.72)
        for N in middle * np.geomspace(1 / span, span, sizes):
            D = budget / 6 / N
            loss = (1.8 + 480 * N**-0.35 + 2100 * D**-0.37) * np.exp(noise * rng.standard_normal())
            rows.append(f"{N:.6g},{D:.6g},{loss:.6f},total")
    return rows


def _invoke(*arguments):
    app = typer.Typer()
    app.command()(fit)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_planted_exponents_lie_in_every_interval(planted):
    """Approach 2 and 3 recover a, alpha, beta, E and the optimum inside and ten times outside the runs."""
    got = json.loads(_invoke(planted, "--budget", "1e20", "--budget", "3e21", "--resamples", "400", "--json").stdout)
    by_number = {approach["approach"]: approach for approach in got["approaches"]}
    assert {1, 2, 3} == set(by_number)
    for number in (2, 3):
        _within(0.37 / 0.72, by_number[number]["a"])
        _within(0.35 / 0.72, by_number[number]["b"])
    for name, truth in {"E": 1.8, "alpha": 0.35, "beta": 0.37, "A": 480, "B": 2100}.items():
        _within(truth, got["law"][name])
    for optimum in by_number[3]["optima"]:
        truth = (0.35 * 480 / (0.37 * 2100)) ** (1 / 0.72) * (optimum["budget"] / 6) ** (0.37 / 0.72)
        _within(truth, optimum["N"])
        _within(optimum["budget"] / 6 / truth, optimum["D"])
    assert ["extrapolation: 3e+21 FLOP is 10 times the largest budget of the runs"] == got["warnings"]
    assert 0.9 < got["starts"]["share_at_the_minimum"]


def test_same_seed_same_answer(planted):
    """Intervals are made again from the seed alone."""
    first, again = (_invoke(planted, "--resamples", "200", "--json").stdout for _ in range(2))
    assert first == again
    assert first != _invoke(planted, "--resamples", "200", "--seed", "1", "--json").stdout


def test_tables_and_picture(planted, tmp_path):
    """What a person sees: exponents, optima, and a picture whose bytes depend on the data alone."""
    pictures = [tmp_path / "first.svg", tmp_path / "second.svg"]
    for picture in pictures:
        result = _invoke(planted, "--resamples", "200", "--budget", "1Z", "--figure", picture)
        assert 0 == result.exit_code
    for text in ("N* ~ C^a", "IsoFLOP parabolas", "At 1e+21 FLOP", "54 runs", "with embeddings"):
        assert text in result.stdout
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert b"approach 3: a = 0.5" in pictures[0].read_bytes()


def test_weak_data_are_called_weak(tmp_path):
    """Two narrow, noisy budgets: too few budgets, exponents and E not identified, counting unstated, data repeated."""
    path = tmp_path / "weak.csv"
    rows = [row.replace("total", "1M") for row in _runs((1e18, 2e18), noise=0.02, span=2.0, sizes=8)]
    path.write_text("params,tokens,val_loss,unique_tokens\n" + "\n".join(rows))
    warnings = " ".join(json.loads(_invoke(path, "--resamples", "200", "--json").stdout)["warnings"])
    for warning in (
        "too few budgets",
        "few runs: 16",
        "E not identified",
        "counting convention unstated",
        "repeated data",
    ):
        assert warning in warnings
    assert "exponent of approach 3 not identified" in warnings


def test_an_approach_that_does_not_apply_is_said_to_be_absent(tmp_path):
    """Runs at scattered compute gather around no budget; approach 3 still fits them."""
    path = tmp_path / "scattered.csv"
    rows = [
        _runs([budget], noise=0.001, sizes=3)[place % 3] for place, budget in enumerate(np.geomspace(1e18, 1e21, 24))
    ]
    path.write_text("params,tokens,val_loss,counting\n" + "\n".join(rows))
    got = json.loads(_invoke(path, "--resamples", "200", "--json").stdout)
    assert "2" in got["absent"]
    assert 3 == got["approaches"][-1]["approach"]


def test_a_loss_that_grows_with_size_has_no_optimum(tmp_path):
    """Nonsense in, no exponent out: approach 3 says why, and table and picture do without it."""
    path = tmp_path / "upside_down.csv"
    rows = [f"{N:g},{D:g},{0.5 + N**0.2 / 50 + 30 * D**-0.2:.5f}" for N in (1e8, 1e9, 1e10) for D in (1e9, 1e10, 1e11)]
    path.write_text("params,tokens,val_loss\n" + "\n".join(rows))
    result = _invoke(path, "--resamples", "200", "--figure", tmp_path / "out.svg")
    assert 0 == result.exit_code
    assert "approach 3 does not apply: the fitted surface has alpha" in result.stdout.replace("\n", " ")
    assert (tmp_path / "out.svg").is_file()


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (("--budget", "lots"), "'lots' is no number"),
        (("--budget", "-1e21"), "above 0"),
        (("--figure", "out.txt"), "expected one of .svg"),
    ],
)
def test_bad_options_end_with_one_message(planted, arguments, reason):
    """Exit code 2, the reason, no traceback."""
    result = _invoke(planted, "--resamples", "200", *arguments)
    assert 2 == result.exit_code
    assert reason in result.stderr
    assert "Traceback" not in result.output


def test_a_bad_file_ends_with_row_and_reason(planted, tmp_path):
    """The reader's own mistake is named where it stands."""
    path = tmp_path / "bad.csv"
    path.write_text(planted.read_text().replace("\n", "\noops,", 1))
    result = _invoke(path)
    assert 2 == result.exit_code
    assert "row 2 has 5 cells; the header has 4" in result.stderr


def test_copying_a_file_changes_no_interval(planted, tmp_path):
    """Every run twice is every run once."""
    header, *rows = planted.read_text().splitlines()
    path = tmp_path / "twice.csv"
    path.write_text("\n".join([header, *rows, *rows]))
    once, twice = (json.loads(_invoke(file, "--resamples", "200", "--json").stdout) for file in (planted, path))

    assert once["approaches"] == twice["approaches"]
    assert len(rows) == len(twice["left_out"]["copies"])


def test_stated_budgets_are_those_of_the_answer(tmp_path):
    """C counts attention, most in small models: all approaches answer for budgets so counted, and agree."""
    rng, rows = np.random.default_rng(2), []
    for budget in BUDGETS:
        for N in 1.2e8 * (budget / 1e18) ** 0.5 * np.geomspace(1 / 6, 6, 9):
            D = budget / 6 / N / (1 + 1.5 * (N / 1e7) ** -0.35)
            loss = (1.8 + 480 * N**-0.35 + 2100 * D**-0.37) * np.exp(0.001 * rng.standard_normal())
            rows.append(f"{N:.6g},{D:.6g},{budget:.6g},{loss:.6f}")
    path = tmp_path / "stated.csv"
    path.write_text("N,D,C,loss\n" + "\n".join(rows))
    got = json.loads(_invoke(path, "--resamples", "200", "--budget", "1e20", "--json").stdout)

    sizes = np.geomspace(1e7, 1e11, 100_001)
    tokens = 1e20 / 6 / sizes / (1 + 1.5 * (sizes / 1e7) ** -0.35)
    best = sizes[np.argmin(1.8 + 480 * sizes**-0.35 + 2100 * tokens**-0.37)]
    by_number = {approach["approach"]: approach["optima"][0]["N"]["value"] for approach in got["approaches"]}
    assert best == pytest.approx(by_number[2], rel=0.1)
    assert best == pytest.approx(by_number[3], rel=0.1)
    assert any("compute is the file's own, not 6 N D" in warning for warning in got["warnings"])
    assert not any("contradict" in warning for warning in got["warnings"])


def test_one_budget_leaves_approach_three_alone(tmp_path):
    """Approaches 1 and 2 say why they say nothing."""
    path = tmp_path / "one.csv"
    path.write_text("params,tokens,val_loss,counting\n" + "\n".join(_runs((1e19,), noise=0.003, sizes=24)))
    got = json.loads(_invoke(path, "--resamples", "200", "--json").stdout)

    assert [3] == [approach["approach"] for approach in got["approaches"]]
    assert all(got["absent"][number].startswith("one budget: C is 1e+19 in every run") for number in "12")


def _within(truth, estimate):
    low = -np.inf if estimate["low"] is None else estimate["low"]
    high = np.inf if estimate["high"] is None else estimate["high"]
    assert low <= truth <= high
