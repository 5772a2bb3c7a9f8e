"""Pages as pure functions: what a reader finds on them, and that nothing but news changes a file."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml
from small_book import ESTIMATES, make_small_book

from repro.bookkeeping.display import cards
from repro.bookkeeping.display.elements import text
from repro.bookkeeping.display.spelling import MEANINGS, SYMBOLS, estimate, number, region
from repro.bookkeeping.ledger import Certainty, Outcome, Region, RegionChange, sensitivity
from repro.bookkeeping.ledger.verdict_files import Change
from repro.bookkeeping.pages import fragments, write_pages
from repro.bookkeeping.pages.ledger_table import expected_false, false_verdicts
from repro.bookkeeping.site import gather
from repro.bookkeeping.site.findings import stale_findings
from repro.floor.scale import Scale
from repro.statistics import Estimate


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    make_small_book(folder)
    return folder


@pytest.fixture
def site(root):
    return gather(root, root / "results", region_changes=[], address="https://book.example/")


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


class Balance(HTMLParser):
    """Finds an element that is opened and not closed, or the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert tag == self.open.pop()


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("N_opt grows as C^0.5, n^2", "N<sub>opt</sub> grows as C<sup>0.5</sup>, n<sup>2</sup>"),
        ("N^-0.076 & d_k", "N<sup>\u22120.076</sup> &amp; d<sub>k</sub>"),
        ("x86_64, `N_opt` and 99 % of a^(k+1)", "x86_64, <code>N_opt</code> and 99\u202f% of a^(k+1)"),
    ],
)
def test_formulas_in_a_claim_are_set_as_formulas(plain, html):
    assert html == text(plain)


def test_every_fragment_is_whole_html_without_a_blank_line_inside(site):
    """A blank line would end an HTML block of Markdown in its midst; an open element would swallow the page."""
    for name, html in fragments(site).items():
        if name.startswith("_generated") and name.endswith(".md"):
            for paragraph in html.strip().split("\n\n"):
                reader = Balance()
                reader.feed(paragraph)
                assert [] == reader.open, name


def test_the_ledger_has_every_claim_with_an_address_of_its_own(site):
    table = fragments(site)["_generated/ledger-table.md"]

    assert [f"claim-{name}" for name in site.ledger] == sorted(
        re.findall(r'<tr id="([^"]+)"', table), key=[f"claim-{name}" for name in site.ledger].index
    )


def test_a_row_says_all_that_a_reader_needs(site):
    """Claim, outcome, estimate with interval, region, scale and scope, who says it, source and the claim's own page."""
    table = fragments(site)["_generated/ledger-table.md"]
    row = re.search(r'<tr id="claim-loss-falls-as-a-power".*?</tr>', table, re.DOTALL)[0]

    for part in (
        "Loss falls as a power of N , with exponent 0.34 &amp; no &lt;floor&gt;.",
        "supported",
        "0.347",
        "0.331 to 0.362",
        "agrees: 0.3 to 0.4",
        "cpu",
        "planted points, up to 16B parameters",
        "A, B",
        "experiment",
        "Hoffmann et al. 2022 ( arXiv:2203.15556 )",
    ):
        assert part in words(row)
    assert 'href="claims/scaling-chinchilla.html#claim-loss-falls-as-a-power"' in row


def test_parts_stand_under_their_claim_and_lead_to_their_own_entries(site):
    table = fragments(site)["_generated/ledger-table.md"]
    [group] = [body for body in re.findall(r"<tbody>.*?</tbody>", table, re.DOTALL) if "claim-split-early" in body]

    assert ["claim-split", "claim-split-early", "claim-split-late"] == re.findall(r'<tr id="([^"]+)"', group)
    assert ["mixed", "supported", "refuted"] == re.findall(r'data-outcome="([^"]+)"', group)
    assert 1 == group.count("claims/scaling-chinchilla.html#claim-split-early")


def test_the_cover_counts_whole_claims_and_settled_ones(site):
    """Nine findings, of which one is open and one untested; parts are counted with their claim, the control apart."""
    cover = words(fragments(site)["_generated/cover.md"])

    assert "9 claims 7 settled 1 supported 1 refuted 1 open" in cover
    assert 9 == sum(site.tally().values())
    assert "Counted apart: 1 control , true by construction" in cover


def test_the_line_under_a_finding_says_how_near_we_came_to_its_place(site):
    """Planted: of three findings one was opened, one is told second hand and one is remembered; others have no line."""
    shown = {name: words(html) for name, html in fragments(site).items()}

    for page, lines in (("_generated/ledger-table.md", 3), ("articles/a.md", 1)):
        assert lines == sum(shown[page].count(f"place: {word}") for word in Certainty)
    assert "1 rest on a place that was opened" in shown["_generated/ledger-notes.md"]
    assert "of 0 only the abstract was read; 1 are told second hand" in shown["_generated/ledger-notes.md"]


def refuting(site, name):
    """The site in which the claim is refuted."""
    verdict = replace(site.verdicts[name], outcome=Outcome.REFUTED)
    return replace(site, verdicts={**site.verdicts, name: verdict})


def test_a_control_is_judged_and_marked_beside_its_outcome_wherever_it_stands(site):
    """An alarm is named where the planted control is refuted, and nowhere where a finding is."""
    for refuted, alarms in (("cache-halves", 1), ("optimum-is-flat", 0)):
        planted = refuting(site, refuted)
        claim, verdict = planted.ledger[refuted], planted.verdicts[refuted]
        shown = {name: words(html) for name, html in fragments(planted).items()}
        for page in ("_generated/ledger-table.md", "articles/a.md"):
            assert (alarms, 1 - alarms) == (
                shown[page].count("alarm: a refuted"),
                shown[page].count("supported control"),
            )
        assert alarms == words(cards.verdict_card(claim, verdict)).count("✗ refuted alarm: a refuted control")
        assert alarms == shown["_generated/cover.md"].count("Refuted: cache-halves")
        assert alarms == shown["_generated/root/llms.txt"].count("- refuted, an alarm: Halving")


def test_an_articles_controls_are_counted_apart(site):
    """Six claims, of which one is a control: bar and legend are those of five."""
    page = words(fragments(site)["articles/a.md"])

    assert "6 claims in the ledger, controls among them: 1, counted apart;" in page
    assert "Of 5 claims:" in fragments(site)["articles/a.md"]


def of_one_fit(site, *names):
    """The site in which the named claims rest on one fit."""
    shared = {name: site.ledger[name].model_copy(update={"one_fit": "the-fit"}) for name in names}
    return replace(site, ledger={**site.ledger, **shared})


def test_claims_of_one_fit_say_so_in_card_and_row(site):
    """The link of a row opens the rows of its fit."""
    planted = of_one_fit(site, "split-early", "split-late")
    table = fragments(planted)["_generated/ledger-table.md"]

    assert 2 == table.count('one fit: <a href="ledger.html?find=the-fit">the-fit</a>, which settles 2 rows')
    card = words(cards.verdict_card(planted.ledger["split-late"], planted.verdicts["split-late"]))
    assert "One fit the-fit , on which other claims rest too" in card
    assert "ne fit" not in fragments(site)["_generated/ledger-table.md"]


def test_false_verdicts_count_claims_of_one_fit_once_and_controls_not_at_all(site):
    """Of five claims, three of one fit leave three; a control is none of them."""
    control = site.ledger["split-early"].model_copy(update={"control": True})
    shared = of_one_fit(site, "split-early", "split-late", "loss-falls-as-a-logarithm")
    apart = replace(site, ledger={**site.ledger, "split-early": control})

    assert [5, 3, 4] == [false_verdicts(one).judged for one in (site, shared, apart)]


def test_false_verdicts_are_counted_over_verdicts_that_rest_on_an_interval(site):
    """Power, logarithm, the two parts and the flat optimum, which is open; at 99 %, 0.05 false ones at most."""
    odds = false_verdicts(site)

    assert (5, 4, pytest.approx(0.05), 4) == (odds.judged, odds.decided, odds.expected_false, odds.kept)
    assert "5 findings were judged by 99 % intervals" in expected_false(odds)
    assert "0.05 would be decided wrongly" in expected_false(odds)


def test_a_region_that_was_changed_is_named_above_the_ledger(site):
    change = RegionChange(
        "split-early",
        "scaling-chinchilla",
        "abc123",
        "2026-11-24",
        "Ten, not <five>",
        {"holds": {"low": 5}},
        {"holds": {"low": 10}},
    )
    notes = {
        state: words(fragments(replace(site, region_changes=changes))["_generated/ledger-notes.md"])
        for state, changes in {"changed": [change], "unchanged": [], "unknown": None}.items()
    }

    assert "split-early , 2026-11-24: holds from low 5 to low 10. Ten, not &lt;five&gt; (abc123)" in notes["changed"]
    assert "No region was changed" in notes["unchanged"]
    assert "no git history" in notes["unknown"]


def test_an_article_page_keeps_the_articles_order_and_its_headings(site):
    page = fragments(site)["articles/a.md"]
    order = [
        page.index(part)
        for part in (
            "### Scaling",
            "#### Laws",
            "falls as a power",
            "#### Sizes",
            "Halving the heads",
            "### Closing",
            "Nobody has looked",
        )
    ]

    assert sorted(order) == order
    assert page.startswith("# Article A: Models, \\*in short\\*\n")
    assert 1 == page.count("### Scaling")


def test_where_articles_disagree_both_statements_stand_beside_what_was_found(site):
    for letter in "ab":
        page = fragments(site)[f"articles/{letter}.md"]
        clash = words(page[page.index("repro-clash") :])
        assert "A, B Loss falls as a power" in clash
        assert "0.347 0.331 to 0.362" in clash
        assert "B Loss falls as a logarithm. ✗ refuted 4.1 2.2 to 7.5" in clash


def test_contents_list_parts_with_the_pages_that_exist_and_the_rest_is_to_come(site):
    made = fragments(site)
    _, read, articles, _ = yaml.safe_load(made["_generated/toc.yml"])["parts"]

    assert ["articles/a", "articles/b"] == [entry["file"] for entry in articles["chapters"]]
    assert ["parts/planning", "parts/abilities"] == [entry["file"] for entry in read["chapters"]]
    assert ["chapters/small"] == [entry["file"] for entry in read["chapters"][0]["sections"]]
    assert "How fast does loss fall?" in words(made["parts/planning.md"])
    assert "Evaluation: 5 claims" in words(made["parts/abilities.md"])


def test_a_finding_leaves_the_cover_with_the_outcome_that_it_speaks_of(site):
    """Planted: the second finding speaks of an open verdict, and it is supported."""
    cover = words(fragments(site)["_generated/cover.md"])

    assert "Loss falls with exponent 0.4. It falls with exponent 0.347 (0.331 to 0.362)." in cover
    assert "It does." not in cover
    assert ["cache-halves is supported, exact, not open"] == stale_findings(site.findings, site.ledger, site.verdicts)


def test_a_question_leads_to_its_verdicts_and_how_far_they_carry(site):
    asked = words(fragments(site)["_generated/questions.md"])

    assert "How does loss fall?" in asked and "✓ supported" in asked and "Carries to small models of ours." in asked


def test_the_ledger_as_data_has_every_row(site):
    made = fragments(site)
    rows = list(csv.DictReader(io.StringIO(made["_generated/root/claims.csv"])))
    [one] = [row for row in json.loads(made["_generated/root/claims.json"])["claims"] if row["id"] == "split-early"]

    assert list(site.ledger) == [row["id"] for row in rows]
    assert ("split", 35.0, 21.0, 49.0, "supported") == tuple(
        one[name] for name in ("part_of", "value", "low", "high", "outcome")
    )


def test_the_feed_is_rss_with_the_newest_change_first(site):
    flipped = Change("2026-12-01", "loss-falls-as-a-power", "scaling-chinchilla", "gpu", "supported", "refuted")
    feed = ElementTree.fromstring(
        fragments(replace(site, changelog=[*site.changelog, flipped]))["_generated/root/feed.xml"]
    )
    items = feed.findall("channel/item")

    assert ("rss", "2.0") == (feed.tag, feed.get("version"))
    assert {"title", "link", "description"} <= {field.tag for field in feed.find("channel")}
    assert "loss-falls-as-a-power: refuted, was supported" == items[0].findtext("title")
    assert "https://book.example/claims/scaling-chinchilla.html#claim-loss-falls-as-a-power" == items[0].findtext(
        "link"
    )
    assert "Tue, 01 Dec 2026 00:00:00 +0000" == items[0].findtext("pubDate")
    assert len(items) == len({item.findtext("guid") for item in items}) == 7


def test_writing_again_changes_nothing_and_news_change_only_their_files(site, root, tmp_path):
    """Times of files are kept, so that Sphinx rebuilds what is new and nothing else."""
    first = write_pages(site, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in first}
    verdicts = {**site.verdicts, "waiting": replace(site.verdicts["waiting"], outcome=Outcome.OPEN)}

    assert [] == write_pages(site, tmp_path)
    assert times == {path: path.stat().st_mtime_ns for path in first}
    changed = {
        path.relative_to(tmp_path).as_posix() for path in write_pages(replace(site, verdicts=verdicts), tmp_path)
    }
    data = {f"_generated/root/{name}" for name in ("claims.csv", "claims.js", "claims.json", "llms.txt")}
    pages = {"_generated/cover.md", "_generated/ledger-table.md", "articles/a.md", "articles/b.md"}
    assert changed == {*pages, "claims/evaluation.md", *data}


def test_an_article_that_names_no_claim_is_refused(root, tmp_path):
    from repro.bookkeeping.site.articles import load_articles

    path = tmp_path / "articles.toml"
    path.write_text('[A]\ntitle = "T"\nabout = "S"\norder = [{ section = "X", claims = ["losss"] }]\n')

    with pytest.raises(ValueError, match="names 'losss', which is no claim"):
        load_articles(path, {})


@pytest.mark.parametrize(
    ("value", "step", "shown"),
    [
        (0.0, None, "0"),
        (0.34666, None, "0.3467"),
        (0.34666, 0.03, "0.347"),
        (0.5, 0.04, "0.500"),
        (-3.0, 10.0, "−3"),
        (2.0, None, "2"),
        (12345.6, None, "12\u202f346"),
        (1.6e10, None, "1.6 × 10¹⁰"),
        (2.5e-7, None, "2.5 × 10⁻⁷"),
        (1.2341e10, 3e8, "1.234 × 10¹⁰"),
        (float("inf"), None, "∞"),
    ],
)
def test_numbers_have_the_digits_that_their_interval_can_carry(value, step, shown):
    assert shown == number(value, step=step)


def test_estimates_and_regions_in_words():
    assert "2.0 exact" != words(estimate(Estimate.exact(2.0))) == "2 exact"
    assert "35 nats 21 to 49" == words(estimate(Estimate(35.0, 21.0, 49.0, unit="nats")))
    assert ["at most 1 s", "at least 2 s", "1 to 2 s", "exactly 2 s", ""] == [
        region(holds, "s")
        for holds in (Region(high=1), Region(low=2), Region(low=1, high=2), Region(low=2, high=2), None)
    ]


def test_every_outcome_has_a_symbol_and_a_meaning_of_its_own():
    """Symbols carry the outcome where colours do not: in black and white, and to some eyes."""
    assert set(Outcome) == set(SYMBOLS) == set(MEANINGS)
    assert len(Outcome) == len(set(SYMBOLS.values()))


def test_a_verdict_card_shows_estimate_region_and_rival(site):
    claim, verdict = (part["loss-falls-as-a-power"] for part in (site.ledger, site.verdicts))
    card = cards.verdict_card(claim, verdict)

    assert 'id="claim-loss-falls-as-a-power"' in card
    assert "Number line: region 0.3 to 0.4; estimate 0.347, interval 0.331 to 0.362; rival 0.1." in card
    for part in (
        "✓ supported",
        "Region stated beforehand 0.3 to 0.4",
        "If it were false about 0.1",
        "n = 240, bootstrap",
        "articles A , B",
    ):
        assert part in words(card)


def test_a_card_and_its_row_show_what_other_choices_make_of_the_estimate(site):
    claim, verdict = (part["loss-falls-as-a-power"] for part in (site.ledger, site.verdicts))
    weighed = sensitivity(claim, verdict, {"a later window": Estimate(0.41, 0.39, 0.43)})
    rows = fragments(replace(site, verdicts={**site.verdicts, claim.id: weighed}))

    assert "as judged 0.347 0.331 0.362 supported a later window 0.410 0.390 0.430 open" in words(
        cards.verdict_card(claim, weighed)
    )
    assert "under other choices: 1 open" in words("".join(rows.values()))
    assert "choices" not in words(cards.verdict_card(claim, verdict))


@pytest.mark.parametrize("name", sorted(ESTIMATES))
def test_the_marks_of_a_card_lie_inside_its_picture(site, name):
    """One-sided regions, exact values and rivals far away included."""
    card = cards.verdict_card(site.ledger[name], site.verdicts[name])
    places = [float(x) for x in re.findall(r' (?:x|x1|x2|cx)="([-\d.]+)"', card)]

    assert places and min(places) >= 0 and max(places) <= 640


def test_what_a_table_or_figure_is_given_cannot_break_the_page():
    frame = pd.DataFrame({"<b>name": ["<script>", None], "loss": [0.5, float("nan")]})
    table = cards.data_table(frame, 'Rows & "quotes"')
    shown = cards.figure("<svg></svg>", "<i>", "a,b\n1,2\n", "numbers.csv")

    assert "<script>" not in table and "<b>" not in table and "<i>" not in shown
    assert 'aria-label="Rows &amp; &quot;quotes&quot;"' in table and 'tabindex="0"' in table
    assert 'download="numbers.csv" href="data:text/csv;charset=utf-8;base64,YSxiCjEsMgo="' in shown


def test_a_verdict_of_a_gpu_names_its_device_on_its_card_and_in_the_ledger(site):
    """A time is that of one card; without a device, as at scale cpu, neither has an empty place for one."""
    claim, verdict = site.ledger["loss-falls-as-a-power"], site.verdicts["loss-falls-as-a-power"]
    on_card = replace(verdict, scale=Scale.GPU, device="NVIDIA H100")
    table = fragments(replace(site, verdicts={**site.verdicts, claim.id: on_card}))

    assert "Device" not in cards.verdict_card(claim, verdict)
    assert "Device NVIDIA H100" in words(cards.verdict_card(claim, on_card))
    assert 1 == table["_generated/ledger-table.md"].count("NVIDIA H100")


def test_a_claim_that_was_measured_at_two_scales_shows_both_in_its_row(site):
    """The larger one decides; the smaller one stands beside it."""
    claim, verdict = site.ledger["loss-falls-as-a-power"], site.verdicts["loss-falls-as-a-power"]
    at_gpu = replace(verdict, scale=Scale.GPU, outcome=Outcome.OPEN)
    both = replace(
        site, verdicts={**site.verdicts, claim.id: at_gpu}, measured={claim.id: {"cpu": verdict, "gpu": at_gpu}}
    )

    assert f"at scale cpu {verdict.outcome}: " in words(fragments(both)["_generated/ledger-table.md"])
    assert "at scale cpu" not in words(fragments(site)["_generated/ledger-table.md"])


def test_the_run_box_marks_what_was_changed():
    box = cards.run_box(
        command="repro run small && x",
        parameters=[("seeds", 3, 5), ("public", True, True)],
        provenance={"python": "3.11"},
    )

    assert "repro run small &amp;&amp; x" in box
    assert "seeds 3 5 changed public True True" in words(box)
    assert "python 3.11" in words(box)
