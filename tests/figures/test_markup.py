"""Figures as SVG: the same text each time, ids and colours of their own, and never without words."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from repro.figures import PALETTE, SERIES, figure_style, inline_svg


@pytest.fixture
def drawn():
    """A function that draws the same figure anew each time."""
    made: list[Figure] = []

    def draw(label: str = "measured") -> Figure:
        with figure_style():
            figure, axes = plt.subplots()
            for shift in range(len(SERIES)):
                axes.plot([1, 10, 100], [shift, shift + 1, shift + 3], marker="o", label=f"{label} {shift}")
            axes.set(xscale="log", xlabel="parameters", ylabel="loss (nats)")
            axes.legend()
        made.append(figure)
        return figure

    yield draw
    for figure in made:
        plt.close(figure)


def test_a_figure_drawn_twice_gives_the_same_text(drawn):
    """So that a page which shows nothing new is not a changed page."""
    assert inline_svg(drawn(), "loss", "A line.") == inline_svg(drawn(), "loss", "A line.")


def test_two_figures_of_a_page_share_no_id(drawn):
    """Clip paths and markers are found by id, and a page has many figures."""
    one, other = (inline_svg(drawn(), name, "A line.") for name in ("one", "other"))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, other)]

    assert ids[0] and set() == ids[0] & ids[1]


def test_every_reference_inside_a_figure_finds_its_target(drawn):
    """Renaming ids must rename what points at them."""
    svg = inline_svg(drawn(), "loss", "A line.")
    targets = re.findall(r"url\(#([^)]+)\)", svg) + re.findall(r'href="#([^"]+)"', svg)

    assert targets and set(targets) <= set(re.findall(r'\bid="([^"]+)"', svg))


def test_every_colour_of_the_palette_follows_the_theme(drawn):
    """A colour of the style sheet stands only inside a variable, as what is used where there is no style sheet."""
    svg = inline_svg(drawn(), "loss", "A line.")

    assert set() == set(re.findall(r"(?<!, )#[0-9a-f]{6}\b", svg))
    assert f"var(--repro-blue, {PALETTE['blue']})" in svg


def test_the_alternative_text_is_what_a_screen_reader_says(drawn):
    svg = inline_svg(drawn(), "loss", 'Loss "falls"\n as N < 10 grows.')

    assert 'role="img"' in svg
    assert 'aria-label="Loss &quot;falls&quot; as N &lt; 10 grows."' in svg


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_without_alternative_text_is_refused(drawn, alt):
    with pytest.raises(ValueError, match="no alternative text"):
        inline_svg(drawn(), "loss", alt)


def test_a_name_that_cannot_be_an_id_is_refused(drawn):
    with pytest.raises(ValueError, match="figure name '9 lives'"):
        inline_svg(drawn(), "9 lives", "A line.")


def test_nothing_of_a_figure_reaches_the_rest_of_the_page(drawn):
    """Matplotlib's own style sheet has a rule for every element, and its metadata a date."""
    svg = inline_svg(drawn("100 < 200"), "loss", "A line.")

    assert svg.startswith("<svg") and svg.endswith("</svg>")
    assert not re.search(r"<style|<metadata|<\?xml|<!DOCTYPE|<!--", svg)
    assert "100 &lt; 200 0" in svg
