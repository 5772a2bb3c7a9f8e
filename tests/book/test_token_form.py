"""The tokeniser as a reader meets it: typed into, with a file of one's own, on a phone, in the dark, by keyboard."""

from __future__ import annotations

import base64

import pytest

from repro.corpora.vocabularies.encoders import encoder
from repro.corpora.vocabularies.ours import our_ranks, our_vocabularies, our_vocabulary

pytestmark = pytest.mark.browser
TEXT = "Größe 12345: 人人生而自由\n<|endoftext|>"


def form_of(page):
    return page.get_by_role("form", name="Tokens of a text")


def spelled(form) -> list[str]:
    return form.locator(".repro-pieces span").all_inner_texts()


def test_what_is_typed_is_cut_as_the_library_cuts_it(opened):
    """Counts, and one coloured piece per token with its id in the table."""
    form = form_of(opened("calculators"))
    for name in our_vocabularies():
        form.get_by_label("Vocabulary", exact=True).select_option(name)
        form.get_by_label("Text", exact=True).fill(TEXT)
        expected = encoder(our_vocabulary(name)).ids(TEXT)

        assert f"{len(expected)} tokens for {len(TEXT)} characters in {len(TEXT.encode())} bytes" in form.inner_text()
        assert len(expected) == len(spelled(form))
        form.get_by_text("Pieces with their ids").click()
        assert [str(one) for one in expected] == form.locator("tbody td:nth-child(3)").all_inner_texts()
        form.get_by_text("Pieces with their ids").click()


def test_a_file_of_ones_own_is_read_or_refused(opened, tmp_path):
    ranks = our_ranks("world-1024")
    good, bad = tmp_path / "own.tiktoken", tmp_path / "bad.json"
    good.write_text("".join(f"{base64.b64encode(entry).decode()} {rank}\n" for entry, rank in ranks.items()))
    bad.write_text('{"model": {"type": "Unigram"}}')
    form = form_of(opened("calculators"))
    form.get_by_label("Vocabulary", exact=True).select_option("file")
    assert "No file is chosen yet" in form.inner_text()
    own = form.get_by_label("tokenizer.json or rank file", exact=True)
    own.set_input_files(bad)
    form.get_by_text("it cannot read its model Unigram.").wait_for()
    assert "No answer: one field needs a correction." in form.inner_text()
    own.set_input_files(good)
    form.get_by_text("A rank file does not say how text is cut before it merges").wait_for()
    form.get_by_label("Pattern that cuts text first").select_option("marks")
    form.get_by_label("Text", exact=True).fill(TEXT)

    made = encoder(our_vocabulary("world-1024"))
    assert f"{len(made.ids(TEXT))} tokens" in form.inner_text()
    assert "1,024 entries, text cut by the pattern of marks." in form.inner_text()


def test_spaces_lines_and_parts_of_characters_are_seen(opened):
    form = form_of(opened("calculators"))
    form.get_by_label("Text", exact=True).fill("a b\n\U0001f9ff")

    shown = "".join(spelled(form))
    assert shown.startswith("a·b↵") and "⟨F0" in shown


def test_too_long_a_text_is_refused_at_its_field(opened):
    form = form_of(opened("calculators"))
    form.get_by_label("Text", exact=True).fill("a" * 10_001)

    assert "10,001 characters are too many; give at most 10,000." in form.inner_text()


@pytest.mark.parametrize("theme, width", [("light", 390), ("dark", 1400)])
def test_it_is_readable_by_all_and_never_scrolls_sideways(opened, axe, theme, width):
    page = opened("calculators", theme=theme, width=width)
    form = form_of(page)
    form.get_by_text("Pieces with their ids").click()

    assert [] == axe(page, "[data-tokeniser]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_every_field(opened):
    page = opened("calculators")
    form = form_of(page)
    form.get_by_label("Text", exact=True).focus()
    page.keyboard.press("Tab")

    assert "tokens-vocabulary" == page.evaluate("document.activeElement.id")
    page.keyboard.press("End")
    assert "file" == form.get_by_label("Vocabulary", exact=True).input_value()
    page.keyboard.press("Tab")
    assert "tokens-file" == page.evaluate("document.activeElement.id")
