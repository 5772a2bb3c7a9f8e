"""Request traces: drawn lengths have their means, and a reader's malformed row is refused with its line."""

from pathlib import Path

import pytest

from repro.inference.serving.configurations import Spread, Workload
from repro.inference.serving.traces import BadTrace, Request, adopt_trace, read_trace, requests_of

GOOD = "arrival,prompt,output\n3.5,10,20\n0,7,1\n"


@pytest.mark.parametrize(
    ("shape", "spread"), [("log-normal", 0.5), ("log-normal", 1.0), ("pareto", 3.0)], ids=lambda x: str(x)
)
def test_drawn_lengths_have_the_mean_that_is_stated(shape, spread):
    """To three standard errors; the seed alone decides them."""
    workload = Workload(
        name="long",
        prompt=Spread(mean=200, shape=shape, spread=spread),
        output=Spread(mean=50, shape=shape, spread=spread),
        requests=20_000,
    )
    requests = requests_of(workload, 1, longest=1_000_000)

    assert 200 == pytest.approx(sum(r.prompt for r in requests) / 20_000, rel=0.04)
    assert 50 == pytest.approx(sum(r.output for r in requests) / 20_000, rel=0.04)
    assert requests == requests_of(workload, 1, longest=1_000_000) != requests_of(workload, 2, longest=1_000_000)


def test_lengths_alike_differ_by_seed_alone_and_no_request_is_longer_than_the_model():
    workload = Workload(
        name="alike",
        prompt=Spread(mean=100, shape="alike", spread=0.5),
        output=Spread(mean=1, shape="alike", spread=0),
        requests=50,
    )
    drawn = [requests_of(workload, seed, longest=256) for seed in range(5)]

    assert [1] * 5 == [len(set(requests)) for requests in drawn]
    assert 5 == len({requests[0].prompt for requests in drawn})
    cut = requests_of(
        Workload(
            name="fat", prompt=Spread(mean=500), output=Spread(mean=500, shape="pareto", spread=1.1), requests=500
        ),
        0,
        longest=256,
    )
    assert 256 == max(r.total for r in cut) and 1 <= min(r.output for r in cut)


def test_a_readers_trace_is_served_in_the_order_of_arrival_and_found_by_its_contents(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_text(GOOD, encoding="utf-8")
    expected = [Request(0.0, 7, 1), Request(3.5, 10, 20)]

    assert expected == read_trace(path, longest=64)
    kept = adopt_trace(path, longest=64)
    path.unlink()
    assert "mine" == kept.name and expected == requests_of(kept, 5, longest=64)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("arrival,prompt\n0,1\n", "line 1 names .* expected arrival, prompt, output"),
        ("", "line 1 names no column"),
        ("arrival,prompt,output\n", "holds no request"),
        (GOOD + "1,2\n", "line 4 has 2 cells; expected 3"),
        (GOOD + "\nsoon,2,3\n", "line 5: arrival is 'soon'; expected seconds"),
        (GOOD + "-1,2,3\n", "line 4: arrival is '-1'"),
        (GOOD + "1,2.5,3\n", "line 4: prompt is '2.5'; expected a whole number"),
        (GOOD + "1,2,0\n", "line 4: output is '0'; expected a whole number"),
        (GOOD + "1,60,5\n", "line 4: 65 tokens; the model holds 64"),
    ],
)
def test_a_malformed_row_is_refused_with_its_line_and_the_reason(tmp_path: Path, text: str, complaint: str):
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BadTrace, match=complaint):
        adopt_trace(path, longest=64)


def test_a_spread_without_a_mean_is_refused():
    with pytest.raises(ValueError, match="Pareto's is above 1"):
        Spread(mean=10, shape="pareto", spread=1.0)
    with pytest.raises(ValueError, match="expected one of log-normal"):
        Spread(mean=10, shape="normal")
