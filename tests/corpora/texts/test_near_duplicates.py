"""Near copies are found by the share of their runs of lines."""

import pytest

from repro.corpora.texts.near_duplicates import near_copies, shingles


def lines(first, last):
    return [f"line {number}" for number in range(first, last)]


@pytest.mark.parametrize("count, runs", [(2, 1), (5, 1), (6, 2), (104, 100)])
def test_a_document_has_a_shingle_for_each_run_of_five_lines(count, runs):
    assert runs == len(shingles("\n".join(lines(0, count))))


def test_blank_lines_and_indentation_do_not_tell_copies_apart():
    plain, spread = "\n".join(lines(0, 20)), "\n\n    ".join(lines(0, 20))

    assert [False, True] == list(near_copies([plain, spread]))


def test_a_copy_shares_half_of_its_runs_with_what_was_kept():
    """104 lines are 100 runs: 54 old lines bring 50 of them, 53 bring 49."""
    old = lines(0, 104)
    half, less = old[:54] + lines(200, 250), old[50:103] + lines(300, 351)

    assert [False, True, False] == list(near_copies("\n".join(each) for each in (old, half, less)))


def test_a_copy_that_was_dropped_drops_nobody():
    """Only what is kept counts: the third shares 60 of 100 runs with the second, and 20 with the first."""
    first, second = lines(0, 104), lines(40, 144)
    third = lines(80, 184)

    assert [False, True, False] == list(near_copies("\n".join(each) for each in (first, second, third)))
