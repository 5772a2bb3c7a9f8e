"""Preference pairs of a reader's own, from files and folders: what is read, and what a reader is told of it."""

import json

import pytest
from datasets import Dataset

from repro.alignment.given.configurations import given_task
from repro.alignment.given.forms import Preference
from repro.alignment.given.preferences import FEWEST, given_pairs
from repro.alignment.given.rows import Malformed
from repro.floor.identity import key

TEXT = {"prompt": "w1 w2", "chosen": " w3", "rejected": " w4"}
PAIR = Preference("w1 w2", " w3", " w4")
TALK = {
    side: [{"role": role, "content": side}] for side, role in zip(TEXT, ("user", "assistant", "assistant"), strict=True)
}


def written(folder, *rows, name: str = "pairs.jsonl") -> str:
    file = folder / name
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return str(file)


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


def test_a_file_s_pairs_are_known_by_name_and_digest_and_found_again(tmp_path):
    pairs = given_pairs(written(tmp_path, TEXT, "", TEXT))

    assert [PAIR] * 2 == pairs.rows()
    assert ("pairs.jsonl", 2) == (pairs.name, pairs.count) and str(tmp_path) not in str(pairs)
    assert "pairs.jsonl, line 3" == pairs.rows()[1].where


def test_a_data_set_in_parquet_is_read_and_other_columns_and_splits_are_left_alone(tmp_path):
    (tmp_path / "set" / "data").mkdir(parents=True)
    for split, rows in (("train", [TEXT, TEXT]), ("test", [TEXT])):
        Dataset.from_list([{**row, "score": 1} for row in rows]).to_parquet(
            tmp_path / "set" / "data" / f"{split}-0.parquet"
        )

    pairs = given_pairs(str(tmp_path / "set"))

    assert [PAIR] * 2 == pairs.rows()
    assert given_pairs(str(tmp_path / "set" / "data" / "test-0.parquet")).count == 1


def test_a_table_s_question_and_tools_are_found_again(tmp_path):
    """What Parquet holds is kept as lines, with all columns that were read and no other."""
    tools = [{"function": {"name": "f"}}]
    rows = [{"question": "w1?", **{side: TALK[side] for side in ("chosen", "rejected")}, "tools": json.dumps(tools)}]
    Dataset.from_list(rows).to_parquet(tmp_path / "pairs.parquet")

    [pair] = given_pairs(str(tmp_path / "pairs.parquet")).rows()

    assert Preference([{"role": "user", "content": "w1?"}], TALK["chosen"], TALK["rejected"], tools) == pair


def test_files_that_give_other_pairs_than_an_older_reader_had_have_other_keys(tmp_path):
    """Or a record of the pairs as they were once read would stand for those of today."""
    pairs = given_pairs(written(tmp_path, TEXT))
    older = type(pairs)(name=pairs.name, sha256=pairs.sha256, count=pairs.count)

    assert key("own_pairs", 1, older, 0) != key("own_pairs", 1, pairs, 0)


def test_what_holds_no_pairs_or_too_few_is_refused(tmp_path):
    Dataset.from_list([TEXT, {**TEXT, "rejected": None}]).to_parquet(tmp_path / "pairs.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")

    with pytest.raises(Malformed, match=r"pairs\.parquet, row 2: no rejected"):
        given_pairs(str(tmp_path / "pairs.parquet"))
    with pytest.raises(Malformed, match=r"broken\.parquet cannot be read as Parquet"):
        given_pairs(str(tmp_path / "broken.parquet"))
    with pytest.raises(FileNotFoundError, match=r"no pairs at .*missing\.jsonl; give a file"):
        given_pairs(str(tmp_path / "missing.jsonl"))
    with pytest.raises(FileNotFoundError, match=r"no pairs at data/missing\.csv; give a file"):
        given_pairs("data/missing.csv")
    with pytest.raises(Malformed, match=r"holds no pair at all, equal replies at pairs\.jsonl, line 1; write"):
        given_pairs(written(tmp_path, {**TEXT, "chosen": " w4"}))
    with pytest.raises(Malformed, match="line 2: a conversation, and the first pair is a text; keep to one kind"):
        given_pairs(written(tmp_path, TEXT, TALK))
    with pytest.raises(ValueError, match=f"holds 1 of at least {FEWEST} pairs; a fifth is held out, so give more"):
        given_task("model", written(tmp_path, TEXT), "gold")
