"""A derived page answers first: its box under the title, told sentences as text, code folded."""

from __future__ import annotations

import nbformat.v4 as v4

from repro.bookkeeping.chapters.arrangement import arranged
from repro.bookkeeping.ledger import Claim, judge
from repro.floor.scale import Scale
from repro.statistics import Estimate

CLAIM = Claim(
    id="c",
    chapter="x",
    says="Fewer heads are faster.",
    said_by=(),
    primary="",
    kind="timing",
    metric="m",
    holds={"low": 1.3},
    rival=1.0,
    needs="cpu",
)
VERDICT = judge(CLAIM, Estimate(1.9, 1.6, 2.2), Scale.CPU, scope="one thread")


def told(words, **facts):
    return v4.new_output("display_data", {"text/markdown": words}, metadata={"repro": {"told": {"left": [], **facts}}})


def shown(html):
    return v4.new_output("display_data", {"text/html": html})


def page(*cells):
    opening = [
        v4.new_markdown_cell("# How fast?\n\nA page on speed."),
        v4.new_code_cell("from repro import open_study"),
    ]
    return arranged([*opening, *cells], {"c": CLAIM}, [VERDICT])


def test_what_a_page_says_in_short_stands_under_its_title():
    cells = page(v4.new_code_cell("study.in_short(...)", outputs=[told("**In short.** Twice.", in_short=True)]))

    assert ["# How fast?", ":::{admonition} In short\n:class: repro-short\n\nTwice.\n:::", "A page on speed."] == [
        cell.source for cell in cells if cell.cell_type == "markdown"
    ]
    assert not any("in_short(" in cell.source for cell in cells)


def test_a_page_without_words_of_its_own_lists_its_first_claims():
    answer = page()[1].source

    assert "Fewer heads are faster." in answer and "supported" in answer and "this machine (one thread)" in answer


def test_sentences_stand_between_what_was_shown_before_and_after_them():
    cells = page(v4.new_code_cell("settle()", outputs=[shown("card"), told("It is so."), shown("figure")]))
    kinds = [(cell.cell_type, [out.data for out in cell.get("outputs", [])]) for cell in cells[-3:]]

    assert kinds == [("code", [{"text/html": "card"}]), ("markdown", []), ("code", [{"text/html": "figure"}])]
    assert ["settle()", "It is so.", ""] == [cell.source for cell in cells[-3:]]


def test_code_is_folded_imports_are_left_out_and_silent_neighbours_are_one():
    quiet, loud = v4.new_code_cell("a = 1"), v4.new_code_cell("show(a)", outputs=[shown("table")])
    kept_open = v4.new_code_cell("three()", metadata={"tags": ["show-input"]})
    code = [cell for cell in page(quiet, loud, kept_open) if cell.cell_type == "code"]

    assert [
        ("from repro import open_study", ["remove-input"]),
        ("a = 1\n\nshow(a)", ["hide-input"]),
        ("three()", ["show-input"]),
    ] == [(cell.source, cell.metadata.tags) for cell in code]
