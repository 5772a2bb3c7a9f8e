"""The built book in a real browser, opened from disk: quiet, readable by all, and the ledger's filters work."""

from __future__ import annotations

from itertools import product
from urllib.parse import parse_qs

import pytest

pytestmark = pytest.mark.browser

PAGES = (
    "index",
    "ledger",
    "articles/a",
    "claims/scaling-chinchilla",
    "search",
    "chapters/small",
    "parts/planning",
    "questions",
    "glossary",
    "changelog",
    "method",
    "rerun",
    "calculators",
    "bibliography",
)
WIDTHS = (390, 820, 1400)
THEMES = ("light", "dark")
AXE = (("light", 390), ("dark", 1400))


def shown(page) -> list[str]:
    """Ids of the ledger's rows that a reader sees, without their common beginning."""
    rows = page.locator("tbody tr").filter(visible=True).evaluate_all("rows => rows.map(row => row.id)")
    return [row.removeprefix("claim-") for row in rows]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_never_scrolls_sideways_and_axe_finds_nothing_of_our_making(opened, axe, ours, name):
    """At three widths in both themes; axe in both, for contrast, and on a phone, for what is laid out anew there.

    The page is opened as wide as a phone: the theme lets the keyboard reach what scrolls on it when it opens.
    """
    page = opened(name, width=min(WIDTHS))
    for theme, width in product(THEMES, WIDTHS):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (theme, width)

        if (theme, width) in AXE:
            found = [
                (violation["id"], str(node["target"][0])) for violation in axe(page) for node in violation["nodes"]
            ]
            assert [] == ours(found), (theme, width)


def test_axe_would_find_a_picture_without_words(opened, axe):
    """The check above can fail."""
    page = opened("method")
    page.evaluate("document.querySelector('article').append(document.createElement('img'))")

    assert "image-alt" in [violation["id"] for violation in axe(page)]


def test_drop_downs_and_text_filter_the_rows_and_the_address_follows(opened):
    page = opened("ledger")
    page.get_by_label("Outcome").select_option("refuted")
    assert ["loss-falls-as-a-logarithm", "split-late"] == shown(page)
    assert "2 of 12 rows" == page.locator("output").text_content()

    page.get_by_label("Article").select_option("B")
    assert ["loss-falls-as-a-logarithm"] == shown(page)
    assert {"outcome": ["refuted"], "article": ["B"]} == parse_qs(page.evaluate("location.search.slice(1)"))

    page.get_by_label("Find").fill("nothing has this")
    assert [] == shown(page)
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.querySelector('output').value === '9 of 12 rows'")
    assert "" == page.evaluate("location.search")  # the driver's own copy of the address may lag behind


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("outcome=not+testable", ["best-model"]),
        ("chapter=evaluation&kind=record", ["contradicted-model", "attested-model", "hidden-model"]),
        ("find=SMALL+late", ["split-late"]),
        ("find=hoffmann", ["loss-falls-as-a-power"]),
        ("control=yes", ["cache-halves"]),
        ("control=no&outcome=supported", ["loss-falls-as-a-power", "split-early"]),
        ("article=A&kind=theorem&utm=x", ["waiting"]),
    ],
)
def test_a_link_opens_a_filtered_view(opened, query, rows):
    assert rows == shown(opened(f"ledger?{query}"))


def test_the_covers_figures_lead_to_as_many_rows(opened):
    """Settled: seven whole findings and the two parts of one; the control is counted apart."""
    page = opened("index")
    with page.expect_navigation():
        page.get_by_role("link", name="7 settled").click()

    assert 9 == len(shown(page))


def test_columns_sort_both_ways_by_keyboard_and_parts_stay_with_their_claim(opened):
    page = opened("ledger?chapter=scaling-chinchilla")
    heading = page.get_by_role("columnheader", name="Claim")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    rising = shown(page)
    assert "ascending" == heading.get_attribute("aria-sort")
    page.keyboard.press("Enter")
    falling = shown(page)

    assert "descending" == heading.get_attribute("aria-sort")
    assert ["cache-halves", "loss-falls-as-a-logarithm"] == rising[:2]
    assert ["split", "split-early", "split-late", "optimum-is-flat"] == falling[:4]
    assert ["split", "split-early", "split-late"] == rising[-3:]


def test_numbers_sort_as_numbers_and_rows_without_one_stay_last(opened):
    page = opened("ledger?chapter=scaling-chinchilla")
    button = page.get_by_role("columnheader", name="Estimate").get_by_role("button")
    button.click()
    assert ["optimum-is-flat", "loss-falls-as-a-power", "cache-halves", "loss-falls-as-a-logarithm"] == shown(page)[:4]
    button.click()
    assert ["loss-falls-as-a-logarithm", "cache-halves"] == shown(page)[:2]
    assert "split" == shown(page)[4]


def test_parts_and_what_nobody_measured_are_folded_until_asked_for(opened):
    page = opened("ledger")
    assert not {"split-early", "waiting"} & set(shown(page))
    page.get_by_role("button", name="2 parts").click()
    assert {"split-early", "split-late"} < set(shown(page))
    page.get_by_label("Not measured yet").check()
    assert "waiting" in shown(page)


@pytest.mark.parametrize("row", ["split-late", "waiting"])
def test_a_link_to_a_folded_row_shows_it(opened, row):
    assert row in shown(opened(f"ledger#claim-{row}"))


def test_a_card_opens_by_keyboard_and_by_its_link_and_all_are_open_on_paper(opened):
    page = opened("chapters/small")
    body = page.locator("#claim-loss-falls-as-a-power")
    assert not body.is_visible()
    page.locator(".repro-card summary").first.focus()
    page.keyboard.press("Enter")
    assert 1 == page.locator(".repro-card details[open]").count()
    assert opened("chapters/small#claim-split-late").locator("#claim-split-late").is_visible()
    paper = opened("chapters/small")
    paper.emulate_media(media="print")
    assert paper.locator("#claim-split-early").is_visible()


def test_without_javascript_every_row_is_there_and_no_dead_control(opened):
    page = opened("ledger", scripts=False)

    assert 12 == len(shown(page))
    assert 0 == page.locator(".repro-filters").filter(visible=True).count()
    assert 0 == page.locator(".repro-ledger button").filter(visible=True).count()


@pytest.mark.parametrize("theme", THEMES)
def test_figures_and_cards_take_the_themes_colours(opened, theme):
    """No light box in the dark: the paper of a figure and of a card is the paper of the page."""
    page = opened("chapters/small", theme=theme)
    paper = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--repro-paper').trim()")
    fill = page.locator(".repro-figure svg path").first.evaluate("path => getComputedStyle(path).fill")
    outputs = page.locator(".cell_output .text_html").evaluate_all(
        "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )

    assert f"rgb({', '.join(str(int(paper[i : i + 2], 16)) for i in (1, 3, 5))})" == fill
    assert {"rgba(0, 0, 0, 0)"} == set(outputs)


def test_formulas_are_set_without_a_network(opened):
    page = opened("chapters/small")
    page.wait_for_selector("mjx-container svg")

    assert page.locator("mjx-container").count() >= 1
    assert 0 == page.locator("mjx-container[tabindex]").count()  # no stop for those who read by keyboard


def test_the_numbers_of_a_figure_can_be_taken_away(opened):
    page = opened("chapters/small")
    with page.expect_download() as download:
        page.get_by_role("link", name="Numbers (CSV)").click()

    assert "loss.csv" == download.value.suggested_filename
    assert download.value.path().read_text().startswith("size,N,loss")


@pytest.mark.parametrize(
    ("query", "claim"),
    [
        ("logarithm", "loss-falls-as-a-logarithm"),
        ("batches+late", "split-late"),
        ("split-late", "split-late"),
        ("LOSS+fall+exponent", "loss-falls-as-a-power"),
    ],
)
def test_search_finds_a_claim_by_its_words_and_by_its_id_from_disk(opened, query, claim):
    page = opened(f"search?q={query}")
    found = page.locator(".repro-found-claims a").first

    assert f"claims/scaling-chinchilla.html#claim-{claim}" == found.get_attribute("href")
    with page.expect_navigation():
        found.click()
    assert page.locator(f"#claim-{claim}").is_visible()


def test_the_map_is_one_stop_of_the_keyboard_for_each_row_and_its_marks_lead_to_their_claims(opened):
    """Each mark has a name: outcome and claim."""
    page = opened("index")
    row = page.locator(".repro-marks").first
    first, second = (row.get_by_role("link").nth(place) for place in (0, 1))
    first.focus()
    page.keyboard.press("ArrowRight")

    assert second.get_attribute("aria-label") == page.evaluate("document.activeElement.ariaLabel")
    assert 1 == row.locator("a[tabindex='0']").count()
    assert (second.get_attribute("aria-label") or "").startswith("refuted: Loss falls as a logarithm")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("claims/scaling-chinchilla.html#claim-loss-falls-as-a-logarithm")


def test_the_first_key_press_offers_to_skip_the_menus(opened):
    page = opened("index")
    page.keyboard.press("Tab")

    assert "Skip to main content" == page.evaluate("document.activeElement.textContent.trim()")
