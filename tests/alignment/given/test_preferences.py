"""Preference pairs of a reader's own: each format that trl takes is read alike, and what is no pair is refused."""

import json

import pytest
from datasets import Dataset
from trl import extract_prompt

from repro.alignment.given.preferences import Malformed, Preference, given_pairs

ASKED = [{"role": "user", "content": "w1 w2"}]


def said(words: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": words}]


TALK = Preference(ASKED, said("w3"), said("w4"))
TEXT = {"prompt": "w1 w2", "chosen": " w3", "rejected": " w4"}
FORMATS = {
    "texts": (TEXT, Preference("w1 w2", " w3", " w4")),
    "texts that begin alike": ({"chosen": "w1 w2 yes", "rejected": "w1 w2 no"}, Preference("w1 w2", " yes", " no")),
    "conversations": ({"prompt": ASKED, "chosen": said("w3"), "rejected": said("w4")}, TALK),
    "conversations that begin alike": ({"chosen": ASKED + said("w3"), "rejected": ASKED + said("w4")}, TALK),
    "a prompt told twice": ({"prompt": "w1 w2", "chosen": ASKED + said("w3"), "rejected": ASKED + said("w4")}, TALK),
}


def written(folder, *rows) -> str:
    file = folder / "pairs.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return str(file)


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_read(tmp_path, name):
    row, expected = FORMATS[name]

    pairs = given_pairs(written(tmp_path, row, "", row))

    assert [expected] * 2 == pairs.rows()
    assert ("pairs.jsonl", 2) == (pairs.name, pairs.count) and str(tmp_path) not in str(pairs)


@pytest.mark.parametrize("name", ["texts that begin alike", "conversations that begin alike"])
def test_a_prompt_that_both_share_is_found_as_trl_finds_it(name):
    row, expected = FORMATS[name]

    assert extract_prompt(row) == vars(expected)


def test_a_data_set_in_parquet_is_read_and_other_columns_and_splits_are_left_alone(tmp_path):
    (tmp_path / "set" / "data").mkdir(parents=True)
    for split, rows in (("train", [TEXT, TEXT]), ("test", [TEXT])):
        Dataset.from_list([{**row, "score": 1} for row in rows]).to_parquet(
            tmp_path / "set" / "data" / f"{split}-0.parquet"
        )

    pairs = given_pairs(str(tmp_path / "set"))

    assert [FORMATS["texts"][1]] * 2 == pairs.rows()
    assert given_pairs(str(tmp_path / "set" / "data" / "test-0.parquet")).count == 1


REFUSED = {
    "no JSON": ('{"prompt": ', "line 2: no JSON"),
    "no object": ("[1]", "line 2: got list; expected an object"),
    "a key is missing": ({"prompt": "w1", "chosen": "w2"}, "line 2: no rejected, it holds prompt, chosen"),
    "both are missing": ({"text": "w1"}, "no chosen and no rejected, it holds text"),
    "an empty prompt": ({**TEXT, "prompt": " "}, "line 2: prompt is empty"),
    "an empty reply": ({**TEXT, "rejected": ""}, "line 2: rejected is empty"),
    "equal replies": ({**TEXT, "rejected": " w3"}, "line 2: chosen and rejected are equal"),
    "nothing shared": ({"chosen": "w1", "rejected": "v1"}, "line 2: prompt is empty once the beginning"),
    "a reply that ends within the other": ({"chosen": "w1", "rejected": "w1 w2"}, "line 2: chosen is empty once"),
    "neither kind": ({**TEXT, "chosen": 3}, "chosen is neither, rejected is text of text and messages"),
    "two kinds": ({**TEXT, "prompt": ASKED}, "prompt is messages, chosen is text"),
    "two kinds of pair": (FORMATS["conversations"][0], "line 2: a conversation, and the first pair is a text"),
}
TURNS = {
    "the assistant asks": {"prompt": said("w1"), "chosen": said("w3"), "rejected": said("w4")},
    "the user replies": {"prompt": ASKED, "chosen": said("w3"), "rejected": ASKED},
    "system is late": {**FORMATS["conversations"][0], "prompt": [*ASKED, {"role": "system", "content": "w1"}]},
    "two replies": {"prompt": ASKED, "chosen": said("w3") + ASKED + said("w4"), "rejected": said("w4")},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_pair_is_refused_with_its_line(tmp_path, name):
    row, told = REFUSED[name]

    with pytest.raises(Malformed, match=rf"pairs\.jsonl, .*{told}"):
        given_pairs(written(tmp_path, TEXT, row))


@pytest.mark.parametrize("name", TURNS)
def test_roles_out_of_order_are_refused_with_their_line(tmp_path, name):
    with pytest.raises(
        Malformed, match=r"pairs\.jsonl, line 1: prompt and \w+ have the roles .*; expected system or not"
    ):
        given_pairs(written(tmp_path, TURNS[name]))
    with pytest.raises(Malformed, match="an empty message of the user"):
        given_pairs(written(tmp_path, {**FORMATS["conversations"][0], "prompt": [{"role": "user", "content": ""}]}))


def test_a_row_of_a_data_set_is_named_by_its_number_and_what_is_not_there_is_refused(tmp_path):
    Dataset.from_list([TEXT, {**TEXT, "chosen": ""}]).to_parquet(tmp_path / "pairs.parquet")

    with pytest.raises(Malformed, match=r"pairs\.parquet, row 2: chosen is empty"):
        given_pairs(str(tmp_path / "pairs.parquet"))
    with pytest.raises(FileNotFoundError, match=r"no pairs at .*missing\.jsonl; give a \.jsonl file"):
        given_pairs(str(tmp_path / "missing.jsonl"))
    with pytest.raises(Malformed, match="no pair at all"):
        given_pairs(written(tmp_path, ""))
