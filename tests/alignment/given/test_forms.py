"""Forms of a preference pair: those of trl and of people's files give one pair, and what is none is refused."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trl import extract_prompt

from repro.alignment.given.forms import PROMPTS, READ, Preference, preference
from repro.alignment.given.rows import Malformed

ROOT = Path(__file__).parents[3]
ASKED = [{"role": "user", "content": "w1 w2"}]
FUNCTION = {"type": "function", "function": {"name": "weather", "arguments": {"city": "w5"}}}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]


def said(words: str, **more) -> list[dict]:
    return [{"role": "assistant", "content": words, **more}]


TALK = Preference(ASKED, said("w3"), said("w4"))
TEXTS = Preference("w1 w2", " w3", " w4")
TEXT = {"prompt": "w1 w2", "chosen": " w3", "rejected": " w4"}
TOLD = {"prompt": ASKED, "chosen": said("w3"), "rejected": said("w4")}
CALL = [
    {"role": "assistant", "tool_calls": [FUNCTION], "name": None},
    {"role": "tool", "name": "weather", "content": "w6"},
]
SEVERAL = {**TOLD, "chosen": said("w3") + ASKED + said("w4")}
IMPLICIT = {"chosen": ASKED + said("w3"), "rejected": ASKED + said("w4")}
DEVELOPER = [{"role": "developer", "content": "w7"}, *ASKED, *ASKED]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "w1"}, " w2"]}]
ROOM = {"prompt": "Q:\nA:", "chosen": "Q:\nA: w3", "rejected": " w4"}
ANSWERED = [*ASKED, {"role": "assistant", "content": "", "tool_calls": [FUNCTION]}, CALL[1]]
FORMS = {  # a row, its pair, and what is told of it
    "texts": (TEXT, TEXTS, []),
    "texts that begin alike": (
        {"chosen": "w1 w2 w3 yes", "rejected": "w1 w2 w3 no"},
        Preference("w1 w2 w3", " yes", " no"),
        ["shared"],
    ),
    "lines that begin alike": (
        {"chosen": "Q:\nA: 1", "rejected": "Q:\nA: 2"},
        Preference("Q:\nA:", " 1", " 2"),
        ["shared"],
    ),
    "texts without blanks": (
        {"chosen": "天空是蓝的", "rejected": "天空是绿的"},
        Preference("天空是", "蓝的", "绿的"),
        ["shared", "joined"],
    ),
    "conversations": (TOLD, TALK, []),
    "conversations that begin alike": (IMPLICIT, TALK, ["shared"]),
    "a prompt told twice": ({"prompt": "w1 w2", **IMPLICIT}, TALK, ["shared"]),
    "messages told twice": ({"prompt": ASKED, **IMPLICIT}, TALK, ["repeated"]),
    "a text before messages": ({**TOLD, "prompt": "w1 w2"}, TALK, ["user"]),
    "a single message": ({name: part[0] for name, part in TOLD.items()}, TALK, []),
    "JSON in texts": ({name: json.dumps(part) for name, part in TOLD.items()}, TALK, ["parsed"] * 3),
    "Python in texts": ({name: str(part) for name, part in TOLD.items()}, TALK, ["parsed"] * 3),
    "parts of text": ({**TOLD, "prompt": PARTS}, TALK, []),
    "nothing in fields": (
        {**TOLD, "prompt": [{**ASKED[0], "tool_calls": None}], "tools": None, "images": []},
        TALK,
        [],
    ),
    "the prompt in both replies": (
        {"prompt": "w1", "chosen": "w1 w3", "rejected": "w1 w4"},
        Preference("w1", " w3", " w4"),
        ["repeated"],
    ),
    "a long prompt in one reply": (ROOM, Preference("Q:\nA:", " w3", " w4"), ["repeated"]),
    "a short prompt by chance": (
        {"prompt": "No", "chosen": "No way", "rejected": " w4"},
        Preference("No", "No way", " w4"),
        ["joined"],
    ),
    "a word in a longer word": (
        {"prompt": "a", "chosen": "ab", "rejected": "ac"},
        Preference("a", "ab", "ac"),
        ["joined"],
    ),
    "halves of characters": ({**TEXT, "chosen": " \ud83d"}, Preference("w1 w2", " \ufffd", " w4"), ["halves"]),
    "a developer, two users": ({**TOLD, "prompt": DEVELOPER}, Preference(DEVELOPER, said("w3"), said("w4")), []),
    "several turns": (SEVERAL, Preference(ASKED, SEVERAL["chosen"], said("w4")), ["turns"]),
    "tools": (
        {**TOLD, "prompt": ASKED + CALL, "tools": json.dumps(TOOLS), "chat_template_kwargs": {"think": False}},
        Preference(ANSWERED, said("w3"), said("w4"), TOOLS, {"think": False}),
        [],
    ),
}


def read(row) -> tuple[Preference | None, list[str]]:
    done: list[str] = []
    return preference("pairs.jsonl, line 7", row, done.append), done


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_read(name):
    row, pair, done = FORMS[name]

    assert (pair, done) == read(row)


@pytest.mark.parametrize("name", ["texts that begin alike", "lines that begin alike", "conversations that begin alike"])
def test_a_prompt_that_both_share_is_found_as_trl_finds_it(name):
    row, pair, _ = FORMS[name]

    assert extract_prompt(row) == {side: getattr(pair, side) for side in ("prompt", "chosen", "rejected")}


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_of_another_name_is_the_prompt_and_never_a_word_that_both_replies_begin_with(name):
    row = {"system": "", name: "Where is it?", "chosen": "The north.", "rejected": "The moon."}

    assert "Where is it?" == read(row)[0].prompt
    with pytest.raises(Malformed, match="line 7: no prompt; riddle may be it; it holds riddle, chosen, rejected"):
        read({"riddle": row[name], "chosen": row["chosen"], "rejected": row["rejected"]})


LEFT_OUT = {
    "equal replies": ({**TEXT, "rejected": " w3"}, ["equal"]),
    "equal conversations": ({"chosen": ASKED + said("w3"), "rejected": ASKED + said("w3")}, ["equal"]),
    "an empty prompt": ({**TEXT, "prompt": " "}, ["empty"]),
    "an empty reply": ({**TEXT, "rejected": ""}, ["empty"]),
    "no message": ({**TOLD, "rejected": []}, ["empty"]),
    "an empty message": ({**TOLD, "prompt": [{"role": "user", "content": ""}]}, ["empty"]),
    "a reply that is the prompt": (
        {"prompt": "w1 w2", "chosen": "w1 w2", "rejected": "w1 w2 w3"},
        ["repeated", "empty"],
    ),
    "a reply that ends within the other": ({"chosen": "w1 w2 w3", "rejected": "w1 w2 w3 w4"}, ["shared", "empty"]),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_row_without_a_preference_is_left_out_and_told_of(name):
    row, done = LEFT_OUT[name]

    assert (None, done) == read(row)


REFUSED = {
    "no object": ([1], "got list; expected an object"),
    "a key is missing": ({"prompt": "w1", "chosen": "w2"}, "no rejected, it holds prompt, chosen; write"),
    "a text": ({"text": "w1"}, "no chosen and no rejected, it holds text; this is a text without a preference"),
    "unpaired": ({"prompt": "w1", "completion": "w2", "label": True}, "this is an unpaired preference"),
    "steps": ({"prompt": "w1", "completions": ["w2"], "labels": [True]}, "this is stepwise supervision"),
    "a prompt alone": ({"prompt": "w1"}, "this is a prompt alone"),
    "a conversation": ({"messages": ASKED + said("w3")}, "this is a conversation without a preference"),
    "images": ({**TEXT, "images": ["cat.png"]}, "holds images, and this page's models read text alone"),
    "an image in a message": ({**TOLD, "prompt": [{"role": "user", "content": [{"type": "image"}]}]}, "kind 'image'"),
    "one shared word": ({"chosen": "The city.", "rejected": "The moon."}, "both replies share 'The' alone, too little"),
    "one shared sign": ({"chosen": "天很蓝", "rejected": "天是绿的"}, "both replies share '天' alone, too little"),
    "nothing shared": ({"chosen": said("w1"), "rejected": said("v1")}, "no prompt, and the replies share no message"),
    "two prompts": (
        {"instruction": "w1", "input": "w2", "chosen": "w3", "rejected": "w4"},
        "instruction and input may",
    ),
    "a number": ({**TEXT, "chosen": 3}, "chosen is int; expected a text or a list of messages"),
    "two kinds": ({**TEXT, "prompt": ASKED}, "prompt is messages, chosen is text, rejected is text"),
    "other fields": ({**TOLD, "chosen": [{"from": "gpt", "value": "w1"}]}, "has the fields from, value; expected role"),
    "another role": (
        {**TOLD, "chosen": [{"role": "gpt", "content": "w1"}]},
        "has the role 'gpt'; expected one of system",
    ),
    "columns": ({name: ["w1"] for name in TOLD}, "prompt is a list of text; expected a text, or messages"),
    "broken JSON": ({**TOLD, "prompt": '[{"role": "user"'}, "prompt is a text that begins like JSON and is none"),
    "what is set here": ({**TOLD, "chat_template_kwargs": {"tokenize": False}}, "holds tokenize, which is set here"),
    "tools in words": ({**TOLD, "tools": ["weather"]}, "tools is no list of functions with names"),
    "calls in words": ({**TOLD, "chosen": said("", tool_calls=["weather"])}, "tool_calls of chosen holds no function"),
    "the assistant asks": ({**TOLD, "prompt": said("w1")}, "the prompt has the roles assistant, and chosen assistant"),
    "the user replies": ({**TOLD, "chosen": said("w1") + ASKED}, "and chosen assistant, user; expected a prompt that"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_pair_is_refused_with_its_place(name):
    row, told = REFUSED[name]

    with pytest.raises(Malformed, match=rf"^pairs\.jsonl, line 7: .*{told}"):
        read(row)


def test_the_page_s_table_and_the_reader_s_guide_say_what_becomes_of_each_form():
    """Each row that the page shows becomes what the page says, and README names the same forms."""
    page = nbformat.read(ROOT / "experiments/alignment-dpo-ppo/own-pairs.ipynb", as_version=4).cells[0].source
    shown = re.findall(r"^\| (.+) \| `(\{.+\})` \| (.+) \|$", page, re.MULTILINE)
    guide = re.findall(r"^\| (a pair|left out|refused) \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)

    for _, row, says in shown:
        if says == "refused":
            with pytest.raises(Malformed):
                read(json.loads(row))
        else:
            assert (says == "a pair") == (read(json.loads(row))[0] is not None)
    assert {form: says for form, _, says in shown} == {
        form: says for says, forms in guide for form in forms.split("; ")
    }
    assert all(f"`{name}`" in page for name in PROMPTS)


TEXTS_DRAWN = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ["w1 w2 w3", "user", '[{"role": "user"}]']
)
FIELDS = st.sampled_from(["role", "content", "tool_calls", "function", "name", "type"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS_DRAWN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=8,
)
COLUMNS = st.sampled_from([*READ, "question", "images", "other\nname"])


def refused_or_whole(row) -> None:
    try:
        pair, _ = read(row)
    except Malformed as error:
        assert re.match(r"pairs\.jsonl, line 7: .+$", str(error)), error
    else:
        assert pair is None or all(
            part if pair.talk else part.strip() for part in (pair.prompt, pair.chosen, pair.rejected)
        )


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(COLUMNS, VALUES, max_size=6))
def test_any_row_is_a_pair_or_a_sentence(row):
    refused_or_whole(row)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_any_change_of_a_pair_is_a_pair_or_a_sentence(name, data):
    """One value anywhere in a good row becomes another one."""
    row = json.loads(json.dumps(FORMS[name][0]))
    place = row
    while True:
        key = data.draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        if not (isinstance(place[key], list | dict) and place[key]) or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(VALUES)

    refused_or_whole(row)
