"""The command that a page shows is the one that runs it again."""

from __future__ import annotations

import shlex
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from repro.bookkeeping.knobs import read_parameters
from repro.bookkeeping.study import command_of
from repro.floor.scale import Scale

PLAIN = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)  # what a shell takes in a word
VALUES = PLAIN | TEXTS | st.lists(PLAIN, max_size=3) | st.lists(TEXTS, max_size=3)


def test_a_path_with_a_space_is_quoted():
    command = command_of("speed", Scale.CPU, {"target": "my model/it's", "drafted": [1, 4], "rate": 0.5})

    assert """repro run speed --scale cpu -p 'target=my model/it'"'"'s' -p 'drafted=[1, 4]' -p rate=0.5""" == command


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["target", "rates"]), VALUES))
@example({"target": "1e-3", "rates": [1e-05, 3e-3]})
@example({"target": "a: b # c", "rates": ["yes", "", "null", "- x", "x" * 90 + " " + "y" * 90]})
def test_what_is_pasted_gives_the_same_knobs(knobs: dict[str, Any]):
    words = shlex.split(command_of("speed", Scale.SMOKE, knobs))

    assert ["repro", "run", "speed", "--scale", "smoke"] == words[:5]
    assert ["-p"] * len(knobs) == words[5::2]
    assert knobs == read_parameters(words[6::2], knobs)
