"""A reader's own scores are judged the right way up, or refused by row, column or metric."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.abilities.given.columns import LARGER, SMALLER, known_direction
from repro.abilities.given.scores import BadScores, OwnScores, read_scores

COMPUTE = np.geomspace(1e18, 1e24, 9)


def rising(task="a", metric="accuracy", by=0.09, start=0.1, **more):
    """Nine scores that rise by 0.09 per score, but for a wiggle."""
    scores = start + by * (np.arange(9) + 0.1 * (np.arange(9) % 2))
    return pd.DataFrame({"task": task, "metric": metric, "compute": COMPUTE, "score": scores, **more})


@pytest.fixture
def read(tmp_path):
    """A function that writes a table, text or bytes, and reads it as scores."""

    def written(content, **options):
        path = tmp_path / "my evals.csv"
        if isinstance(content, pd.DataFrame):
            content = content.to_csv(index=False, **options)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_scores(path, fewest=8)

    return written


DRESSES = {
    "semicolons and decimal commas": lambda frame: frame.to_csv(index=False, sep=";", decimal=",").encode(),
    "tabs in UTF-16": lambda frame: frame.to_csv(index=False, sep="\t").encode("utf-16"),
    "JSON lines": lambda frame: "\n".join(json.dumps(row) for row in frame.to_dict("records")).encode(),
    "a title and a remark": lambda frame: ("Our runs,,,\n# of May\n" + frame.to_csv(index=False)).encode(),
    "blanks about names": lambda frame: frame.assign(task=[" a", "a ", "A"] * 3).to_csv(index=False).encode(),
    "other names of columns": lambda frame: (
        frame.set_axis(["Benchmark", "Metric Name", "Training FLOPs", "Value"], axis=1).to_csv(index=False).encode()
    ),
    "percent signs": lambda frame: frame.assign(score=[f"{100 * s}%" for s in frame["score"]]).to_csv().encode(),
    "every row twice": lambda frame: pd.concat([frame, frame]).to_csv(index=False).encode(),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_scores_in_any_dress_are_the_same(read, dress):
    frame = read(DRESSES[dress](rising())).frame

    assert 1 == frame["task"].nunique()
    np.testing.assert_allclose(rising()[["compute", "score"]], frame[["compute", "score"]], rtol=1e-9)


def test_seeds_of_one_compute_are_one_score(read):
    """Copying models under other seeds adds no evidence; four models stay four."""
    seeds = pd.concat([rising(seed=seed).assign(score=lambda t, s=seed: t["score"] + s / 100) for seed in (-1, 0, 1)])

    made = read(seeds)

    np.testing.assert_allclose(rising()["score"], made.frame["score"])
    assert "27 scores in 9 places" in made.notes[0]
    with pytest.raises(BadScores, match="'a' has 4 scores at different compute; expected 8"):
        read(seeds[seeds["compute"] < 2e20])


@pytest.mark.parametrize("metric", ["brier", "loss", "word perplexity", "error rate", "bits per byte"])
def test_a_metric_that_falls_is_judged_by_its_negative(read, metric):
    made = read(rising(metric=metric, by=-0.09, start=0.9))

    assert (made.frame["score"].diff().dropna() > 0).all()
    assert "falls as models improve" in made.notes[0]


@pytest.mark.parametrize(
    ("table", "sign"),
    [
        (rising(metric="brier", start=-0.95), 1),  # turned round by the reader
        (rising(metric="quux", better="smaller"), -1),
        (rising(metric="quux", higher_is_better=True), 1),
        (rising(metric="brier", better="larger"), 1),  # what a reader says stands above the name
    ],
)
def test_which_way_is_up_is_seen_or_said(read, table, sign):
    np.testing.assert_allclose(sign * table["score"], read(table).frame["score"])


@pytest.mark.parametrize(
    ("metric", "way"),
    [
        ("acc_norm", LARGER),
        ("exact match", LARGER),
        ("pass@1", LARGER),
        ("logLikelihood", LARGER),
        ("neg_log_likelihood", SMALLER),
        ("valLoss", SMALLER),
        ("WER", SMALLER),
        ("negative brier", None),
        ("acc_stderr", None),
        ("toxicity score", None),
        ("quux", None),
    ],
)
def test_the_names_of_metrics_point_one_way_or_none(metric, way):
    assert way == known_direction(metric)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (rising(metric="quux"), r"'quux': is a larger score better.*column `better`"),
        (rising(metric="log-likelihood"), "'log-likelihood': is a larger score better.*signs"),
        (rising().assign(compute=1e21), "'a' has all its scores at 1e[+]21 FLOP"),
        (rising().assign(compute=np.linspace(1e21, 1.1e21, 9)), "between 1e[+]21 and 1.1e[+]21 FLOP"),
        (rising().assign(compute=[*np.geomspace(1e18, 1e19, 8), 1e24]), "8 scores in the lower half"),
        (rising().assign(score=0.25), "the score 0.25 at every compute"),
        (rising().assign(score=lambda t: t["score"].where(t.index % 2 == 0, 100 * t["score"])), "Write % behind"),
        (rising(by=100), "row 10: 'accuracy' is 800.1; expected a share"),
        (rising().assign(compute=COMPUTE / 1e21), "row 2, column 'compute': got '0.001'"),
        (rising().assign(score=[*rising()["score"][:8], np.nan]), "row 10, column 'score': got ''"),
        (rising(task=["", *"bbbbbbbb"]), "row 2, column 'task': got ''"),
        (rising(better=[*["up"] * 8, "maybe"]), "row 10, column 'better': got 'maybe', expected larger or smaller"),
        (rising(value=1), "'score' and 'value' both look like the score; rename one"),
        (rising().rename(columns={"compute": "comput"}), r"no column of compute;.*\(did you mean 'compute'\?\)"),
        (
            rising().drop(columns=["metric", "compute"]),
            "no column of metric and compute; the file has 'task', 'score'$",
        ),
        ("task,metric,compute,score\n", "a header and no scores"),
        ("", "the file is empty"),
    ],
)
def test_what_is_refused_is_named(read, table, reason):
    with pytest.raises(BadScores, match=f"my evals.csv: .*{reason}"):
        read(table)


def test_tasks_without_a_curve_are_left_out_and_named(read):
    made = read(pd.concat([rising(), rising("b").head(5), rising("c").assign(score=0.0)]))

    assert ["a"] == made.frame["task"].unique().tolist()
    assert "leaves out the task 'b', which has 5 scores" in made.notes[-1] and "2 tasks" in made.notes[-1]


CELLS = st.one_of(
    st.floats().map(str),
    st.text(max_size=6),
    st.sampled_from(["a", "accuracy", "loss", "1e21", "45%", "0,3", "nan", "up"]),
)
NAMES = st.one_of(
    st.sampled_from(["task", "metric", "compute", "score", "better", "model", "value", ""]), st.text(max_size=8)
)
WHOLE = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["acc", "loss"]), st.floats(1e18, 1e24), st.floats(-2, 120)),
    max_size=40,
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=2, max_size=6), st.data(), st.sampled_from(",;\t| "), WHOLE, st.binary(max_size=200))
def test_any_file_gives_scores_or_a_sentence(tmp_path, header, data, separator, whole, content):
    """Bytes, cells of every kind under columns that are read, JSON, and scores of every size."""
    cells = data.draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=12))
    path = tmp_path / "scores"
    tables = [
        content,
        "\n".join(separator.join(row) for row in [header, *cells]).encode("utf-8", "replace"),
        "\n".join(json.dumps(dict(zip(header, row, strict=True))) for row in cells).encode(),
        ("task,metric,compute,score\n" + "\n".join(",".join(map(str, row)) for row in whole)).encode(),
    ]
    for table in tables:
        path.write_bytes(table)
        try:
            made = read_scores(path, fewest=8)
        except BadScores as error:
            assert str(error).startswith(f"{path}: ") and str(error).encode()
        else:
            assert isinstance(made, OwnScores) and np.isfinite(made.frame[["compute", "score"]].to_numpy()).all()
