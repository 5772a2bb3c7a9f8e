"""Each claim has an address under which all that is known of it stands, and each article its own words beside ours."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_book import make_small_book

from repro.bookkeeping.ledger import RegionChange
from repro.bookkeeping.ledger.verdict_files import Change
from repro.bookkeeping.pages import fragments
from repro.bookkeeping.pages.claims import OURS, own_words
from repro.bookkeeping.site import gather

POWER = "loss-falls-as-a-power"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    make_small_book(folder)
    return folder


@pytest.fixture(scope="module")
def site(root):
    return gather(root, root / "results", region_changes=[])


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def entry(site, name: str) -> str:
    page = fragments(site)[f"claims/{site.ledger[name].chapter}.md"]
    [found] = re.findall(rf'<div class="repro-claim" id="claim-{name}">.*?\n</div>', page, re.DOTALL)
    return found


def test_every_claim_stands_at_its_address_under_its_words(site):
    made = fragments(site)
    for claim in site.ledger.values():
        page, anchor = claim.address.split(".html#")
        assert f'id="{anchor}"' in made[f"{page}.md"]
    headings = re.findall(r"^#+ (.*)$", made["claims/scaling-chinchilla.md"], re.MULTILINE)
    assert "Small batches are better late." in headings


def test_all_that_is_known_of_a_claim_stands_at_its_address(site):
    told = words(entry(site, POWER))

    for part in (
        "supported 0.347 0.331 to 0.362",
        "The whole interval lies inside the region.",
        "Article A , under Laws: Loss falls as a power of N , &lt;always&gt;.",
        f"Article B , under Everything: {OURS}",
        "Region stated beforehand 0.3 to 0.4: a tenth either way, as the paper rounds",
        "supported at scale cpu, the first verdict",
        "Its page reads 3 trials: results/records/fitted (2), results/records/planted (1).",
        "Cannot hold together with Loss falls as a logarithm.",
        "How it was measured: How fast does loss fall?",
        "repro run small --scale cpu",
    ):
        assert part in told
    assert 'href="https://arxiv.org/abs/2203.15556"' in entry(site, POWER)
    assert "History" not in entry(site, "attested-model")  # settled by citation


def test_a_history_tells_turned_outcomes_and_changed_regions_oldest_first(site):
    told = [
        Change("2026-01-05", POWER, "scaling-chinchilla", "cpu", None, "open"),
        Change("2026-01-09", POWER, "scaling-chinchilla", "cpu", "open", "supported"),
    ]
    changed = RegionChange(POWER, "scaling-chinchilla", "abc123", "2026-01-07", "Wider.", {"rival": 1}, {"rival": 2})
    shown = words(entry(replace(site, changelog=told, region_changes=[changed]), POWER))

    order = [
        "2026-01-05 ○ open at scale cpu, the first verdict",
        "2026-01-07 the rule was changed, rival from 1 to 2: Wider. (abc123)",
        "2026-01-09 ✓ supported at scale cpu, before open",
        "the numbers of now at scale cpu, supported as before: 0.347",
    ]
    assert sorted(shown.index(line) for line in order) == [shown.index(line) for line in order]


def test_an_article_page_shows_the_articles_own_words_or_says_that_they_are_ours(site):
    pages = fragments(site)
    a, b = words(pages["articles/a.md"]), words(pages["articles/b.md"])

    assert "✓ supported Loss falls as a power of N , &lt;always&gt;. our words: Loss falls as a power of N" in a
    assert "✓ supported our words: Loss falls as a power of N" in b
    assert f'<li id="claim-{POWER}">' in pages["articles/a.md"]


def test_formulas_of_a_quotation_are_set_and_the_rest_is_as_it_was():
    assert "<q>has <em>E ×</em> more, at <em>N^*</em> &lt; 3 | x_i</q>" == own_words(
        r"has \(E \times\) more, at $N^*$ < 3 | x_i"
    )


def test_each_mark_of_the_map_is_a_link_with_a_name(site):
    marks = re.findall(
        r'<a class="repro-[\w-]+" href="([^"]+)" aria-label="([^"]+)"', fragments(site)["_generated/cover.md"]
    )
    findings = [claim for claim in site.whole_claims if not claim.control]

    assert sorted(claim.address for claim in findings) == sorted(address for address, _ in marks)
    assert "refuted: Loss falls as a logarithm." in [name for _, name in marks]


def test_the_list_for_the_search_page_has_every_claim(site):
    script = fragments(site)["_generated/root/claims.js"]
    rows = json.loads(script.removeprefix("window.reproClaims = ").rstrip(";\n"))

    assert [(claim.id, claim.address) for claim in site.ledger.values()] == [(row[0], row[3]) for row in rows]


def test_a_quotation_of_what_the_article_does_not_say_is_refused(root, tmp_path, site):
    from repro.bookkeeping.site.articles import load_articles

    path = tmp_path / "articles.toml"
    path.write_text((root / "experiments" / "articles.toml").read_text() + 'split = "Small is better."\n')

    with pytest.raises(ValueError, match=r"\[A.words\] quotes 'split', which A does not say"):
        load_articles(path, site.ledger)
