"""Data sets of the hub: read by the same loader from a folder that is laid out as one."""

import pytest

from repro.corpora.texts.hub import Hub, stream
from repro.corpora.texts.text import tokens_of

datasets = pytest.importorskip("datasets")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS = [f"document {number}: " + " ".join(str(number * factor) for factor in range(40)) for number in range(300)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two parquet files of a train split, as on the hub."""
    (tmp_path / "data").mkdir()
    for part, rows in enumerate((ROWS[:200], ROWS[200:])):
        found = datasets.Dataset.from_dict({"content": rows, "stars": list(range(len(rows)))})
        found.to_parquet(tmp_path / "data" / f"train-{part:05d}-of-00002.parquet")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    return str(tmp_path)


def hub(folder, **fields):
    return Hub(name=folder, revision=COMMIT, column="content", test_documents=50, vocabulary=300, **fields)


def test_a_data_set_is_streamed_in_its_order(folder):
    assert ROWS == list(stream(hub(folder)))
    assert ROWS[200:] == list(stream(hub(folder, files=("data/train-00001-*.parquet",))))


def test_its_first_documents_are_held_out_and_training_takes_what_was_asked_for(folder):
    from repro.corpora.texts.tokenisers import sample_of, tokeniser

    tokens = tokens_of(hub(folder, tokens=5_000))
    made = tokeniser(sample_of(ROWS[50:]), 300)

    assert 50 == (tokens.test == 0).sum()
    assert 5_000 == len(tokens.train)
    assert "\n".join(ROWS[50:]).startswith(made.decode(tokens.train[: list(tokens.train).index(0)].tolist()))
    assert sum(map(len, ROWS[:50])) / len(tokens.test) == tokens.bytes_per_token


def test_a_data_set_that_ends_early_gives_all_it_has(folder):
    assert 250 == (tokens_of(hub(folder, tokens=10**9)).train == 0).sum()


def test_a_column_that_is_not_there_is_told(folder):
    with pytest.raises(ValueError, match="has no column 'text'; it has content, stars"):
        next(stream(Hub(name=folder, revision=COMMIT)))


def test_a_revision_that_can_move_is_refused():
    with pytest.raises(ValueError, match="expected a commit"):
        Hub(name="someone/data", revision="main")
