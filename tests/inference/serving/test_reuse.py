"""Reuse: what is found is what is there, a swap of two cities is caught, and certainty that is noise saves nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.inference.serving.paging import BlockPool, BlockTable
from repro.inference.serving.reuse.calls import Call, drawn_calls
from repro.inference.serving.reuse.configurations import CallCache, Calls, Questions
from repro.inference.serving.reuse.estimates import saved_safely
from repro.inference.serving.reuse.prefixes import PrefixTree, WholeCalls, served
from repro.inference.serving.reuse.questions import answered, cache_curve, similarities
from repro.inference.serving.reuse.routing import routed

TEXTS = st.lists(st.integers(0, 1), min_size=1, max_size=9)
CALLS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12)


def calls_of(drawn) -> list[Call]:
    return [Call(np.array(prompt), np.array(answer)) for prompt, answer in drawn]


def in_common(one: list[int], other: list[int]) -> int:
    return next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@given(drawn=CALLS, block=st.integers(1, 4))
def test_with_room_for_all_a_tree_finds_the_longest_beginning_and_whole_calls_the_longest_call(drawn, block):
    found = {PrefixTree: 0, WholeCalls: 0}
    for number, (prompt, _) in enumerate(drawn):
        shared = [(in_common(prompt, p + a), len(p + a)) for p, a in drawn[:number]]
        most = len(prompt) - 1  # the last token is read, since what follows it is asked for
        found[PrefixTree] += min(most, max((common for common, _ in shared), default=0))
        found[WholeCalls] += min(most, max((common for common, length in shared if common == length), default=0))
    tokens = sum(len(prompt) for prompt, _ in drawn)

    for kind, expected in found.items():
        pool = BlockPool(500, block)
        assert {"found": pytest.approx(expected / tokens), "unkept": 0} == served(calls_of(drawn), kind(pool), pool)


@given(drawn=CALLS, blocks=st.integers(1, 12), kind=st.sampled_from([PrefixTree, WholeCalls]))
def test_a_store_that_is_emptied_gives_every_block_back(drawn, blocks, kind):
    pool = BlockPool(blocks, 2)
    store = kind(pool)
    served(calls_of(drawn), store, pool)
    while store.evict():
        pass

    assert blocks == pool.free


@given(lengths=st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 6)), block=st.integers(1, 4))
def test_a_fork_reads_the_beginning_where_it_lies_and_writes_elsewhere(lengths, block):
    """The block in which it parts is copied, so that the first sequence keeps its own tokens."""
    whole, kept, more = max(lengths[:2]), min(lengths[:2]), lengths[2]
    table = BlockTable(BlockPool(20, block))
    table.append(whole)
    fork = table.fork(kept)

    assert [table.slot(place) for place in range(kept)] == [fork.slot(place) for place in range(kept)]

    fork.append(more)

    assert set() == {fork.slot(kept + k) for k in range(more)} & {table.slot(place) for place in range(whole)}
    with pytest.raises(ValueError, match=f"a fork after {whole + 1} tokens of a sequence of {whole}; give"):
        table.fork(whole + 1)


def test_a_pipeline_begins_alike_and_unrelated_prompts_do_not():
    def begun(kind):
        calls = drawn_calls(Calls(kind=kind, count=60), seed=0)
        pool = BlockPool(20_000, 16)
        return served(calls, PrefixTree(pool), pool)["found"]

    assert min(begun("few-shot"), begun("chat"), begun("branches")) > 0.4
    assert 0.001 > begun("unrelated")


def test_a_swap_of_two_cities_is_the_same_question_by_words_and_another_by_pairs():
    texts = ["train from rome to oslo", "train from oslo to rome"]
    meanings = [(0, ("rome", "oslo")), (0, ("oslo", "rome"))]
    half_wrong, none = (0.5, 0.5), (0.0, 0.0)

    assert half_wrong == answered(texts, meanings, similarities(texts, "words"), 0.99)
    assert none == answered(texts, meanings, similarities(texts, "words and pairs"), 0.99)


def test_a_higher_threshold_answers_less_and_repeats_are_always_answered_right():
    curve = cache_curve(Questions(asked="two things", count=300), seed=1)

    assert curve["answered"] == sorted(curve["answered"], reverse=True)
    assert curve["answered"][-1] >= curve["exact"] > 0
    assert curve["wrong"][0] > curve["wrong"][-1]


def test_the_threshold_is_chosen_on_other_seeds():
    """The first seed alone is safe at the lax threshold, so the others keep it from answering all."""
    first = pd.DataFrame(
        {"answered": [[0.9, 0.4]] * 3, "wrong": [[0.0, 0.0], [0.1, 0.0], [0.1, 0.0]], "exact": [0.2] * 3}
    )
    second = first.assign(answered=[[0.5, 0.3]] * 3, wrong=[[0.0, 0.0]] * 3)
    unsafe = first.assign(wrong=[[0.1, 0.1]] * 3)

    assert [0.4] * 3 == saved_safely([first], wrong=0.01).tolist()
    assert [0.5] * 3 == saved_safely([first, second], wrong=0.01).tolist()
    assert [0.2] * 3 == saved_safely([unsafe], wrong=0.01).tolist()


def test_routing_saves_by_a_certainty_that_knows_and_not_by_noise():
    """A planted world: the small model is right on the easy three quarters, the large one on all."""
    rng = np.random.default_rng(0)
    small = rng.random(40_000) < 0.75
    large = np.ones_like(small)
    knows, noise = small + 0.1 * rng.random(len(small)), rng.random(len(small))
    right, blind = (routed(sure, small, large, cost=0.1, points=0.01) for sure in (knows, noise))

    assert 0.65 == pytest.approx(right["saved"], abs=0.02) and 0.01 == pytest.approx(right["lost"], abs=0.005)
    assert 0.04 * 0.9 == pytest.approx(right["saved_by_chance"], abs=0.002)
    assert right["over_chance"] > 0.1
    assert 0 > blind["saved"] and 0 > blind["over_chance"] + 1e-9  # it pays for the small model and learns nothing


def test_a_choice_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="at 1 of the large one's cost; give a smaller one, above 0 and below 1"):
        routed(np.ones(4), np.ones(4), np.ones(4), cost=1, points=0.01)
    with pytest.raises(ValueError, match="400 calls of kind 'chats'; expected 1 or more of few-shot, chat"):
        Calls(kind="chats")
    with pytest.raises(ValueError, match="kept in a room of 2; expected tree or calls, above 0 to 1"):
        replace(CallCache(calls=Calls(kind="chat")), room=2)
    with pytest.raises(ValueError, match="expected asked of one thing, two things and features of words, words and"):
        Questions(asked="nothing")
