"""Other people's tokenisers: what is lost is counted, and what is not is not."""

from __future__ import annotations

import numpy as np
import pytest

from repro.tokens.algorithms.configurations import TRAINED, Alphabet, Lines, Ranks, Unspaced
from repro.tokens.algorithms.libraries import LIKE_LLAMA, byte_pairs, encoding_of, pieces, ranks_of
from repro.tokens.algorithms.measurements import alphabet_needed, first_ranks, unspaced_learned
from repro.tokens.algorithms.roundtrips import covered, covered_by_words, lost
from repro.tokens.algorithms.texts import made_up, random_bytes, random_strings, with_block

LINES = made_up(100, np.random.default_rng(0))
READ = Lines(count=100)


def test_a_rank_file_made_of_tokenizers_gives_its_tokens_in_tiktoken():
    """And the bytes back, of whatever is no UTF-8."""
    made = byte_pairs(LINES, 100)
    encoding = encoding_of(ranks_of(made))
    wild = random_bytes(50, np.random.default_rng(1))
    theirs = [[made.decode([token]) for token in made.encode(line).ids] for line in LINES]

    assert theirs == [[encoding.decode([token]) for token in encoding.encode_ordinary(line)] for line in LINES]
    assert wild == [encoding.decode_bytes(encoding._encode_bytes(one)) for one in wild]


def test_what_starts_from_characters_loses_new_ones_and_what_starts_from_bytes_loses_none():
    """The check that finds nothing lost finds all lost where it is."""
    kinds = {"random": random_strings(30, np.random.default_rng(2)), "read": LINES[:10]}
    found = lost(LINES, 40, kinds)

    assert (30, 30, 0, 0) == tuple(
        found[f"{way}_random"] for way in ("pseudocode", "characters", "tokenizers", "tiktoken")
    )
    assert {0} == {found[f"{way}_read"] for way in ("pseudocode", "characters", "tokenizers", "tiktoken")}


def test_the_mark_is_what_settings_like_llama_lose():
    made = pieces(LINES, 400, **LIKE_LLAMA)
    marked = with_block(LINES[:10], np.random.default_rng(3))

    assert LINES[:10] == [made.decode(made.encode(line)) for line in LINES[:10]]
    assert all(made.decode(made.encode(line)) != line for line in marked)


def test_words_between_spaces_cover_nothing_where_there_are_no_spaces():
    """The rival of learning from raw text, on lines whose spaces are taken out."""
    joined = [line.replace(" ", "") for line in LINES]

    assert covered(joined, joined[:30], 200)[1] > 0.25
    assert covered_by_words(joined[30:], joined[:30], 200) < 0.05


def test_an_alphabet_leaves_out_what_is_beyond_its_size():
    held = Lines(count=120)

    assert 0 == alphabet_needed(Alphabet(lines=READ, held=held), 0)["outside"]
    assert 0.05 < alphabet_needed(Alphabet(lines=READ, held=held, size=20), 0)["outside"]


def test_a_rank_file_starts_with_the_bytes():
    assert 256 == first_ranks(Ranks(name=TRAINED, held=READ, lines=READ, steps=5), 0)["first"]


def test_a_published_rank_file_of_other_bytes_is_refused():
    pytest.importorskip("repro.corpora.vocabularies.published")
    with pytest.raises(ValueError, match="by the manifest"):
        first_ranks(Ranks(name="cl100k", sha256="0" * 64, held=READ, lines=READ), 0)


def test_own_rules_for_white_space_change_lines():
    found = unspaced_learned(Unspaced(lines=READ, held=Lines(count=60), vocabulary=200), 0)

    assert found["other"] > 0.5
