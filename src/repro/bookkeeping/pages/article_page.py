"""An article's page: its claims in its own order with their outcomes, and where it clashes with others or itself."""

from __future__ import annotations

from collections.abc import Iterator

from repro.bookkeeping.display.elements import block, markdown, tag, text
from repro.bookkeeping.display.spelling import SYMBOLS, estimate, region
from repro.bookkeeping.display.states import certainty, mark
from repro.bookkeeping.ledger import Claim
from repro.bookkeeping.pages.claims import own_words
from repro.bookkeeping.pages.cover import legend, outcome_bar
from repro.bookkeeping.site import Site
from repro.bookkeeping.site.articles import Article, Disagreement

UP = "../"


def article_page(article: Article, site: Site) -> str:
    """The page as Markdown."""
    return "\n\n".join(
        [
            f"# Article {article.letter}: {markdown(article.title)}",
            markdown(article.about),
            _summary(article, site),
            "## Its claims, in its order",
            *_sections(article, site),
            *_clashes(article, site),
            "",
        ]
    )


def _summary(article: Article, site: Site) -> str:
    names = list(dict.fromkeys(article.claims))
    shown = [site.verdicts[name].outcome for name in names if not site.ledger[name].control]
    tally = {outcome: shown.count(outcome) for outcome in SYMBOLS}
    link = tag("a", f"{len(names)} claims", href=f"{UP}ledger.html?article={article.letter}")
    entries = legend(tally).replace('href="ledger.html?', f'href="{UP}ledger.html?article={article.letter}&amp;')
    clashes = sum(_concerns(clash, article, site) for clash in site.disagreements)
    apart = f", controls among them: {controls}, counted apart" if (controls := len(names) - len(shown)) else ""
    listed = f"{clashes} disagreements with other articles or within, listed at the end."
    told = tag("p", link, f" in the ledger{apart}; {listed}")
    return block(
        '<section class="repro-today" aria-label="Its claims by outcome">',
        told,
        outcome_bar(tally),
        entries,
        "</section>",
    )


def _clashes(article: Article, site: Site) -> Iterator[str]:
    concerned = [clash for clash in site.disagreements if _concerns(clash, article, site)]
    if concerned:
        yield "## Where it disagrees, with other articles or with itself"
        yield block(*(_clash(clash, site) for clash in concerned))


def _concerns(clash: Disagreement, article: Article, site: Site) -> bool:
    return any(article.letter in site.ledger[name].said_by for name in clash.claims)


def _clash(clash: Disagreement, site: Site) -> str:
    head = tag("tr", *(tag("th", word, scope="col") for word in ("Said by", "Statement", "What we found")))
    rows = (_statement(site.ledger[name], site) for name in clash.claims)
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    return tag("div", tag("p", text(clash.about)), table, class_="repro-clash")


def _statement(claim: Claim, site: Site) -> str:
    verdict = site.verdicts[claim.id]
    finding = mark(claim, verdict) + certainty(claim)
    if verdict.estimate:
        finding += tag("span", estimate(verdict.estimate), class_="repro-found")
    if claim.holds:
        finding += tag("span", text(f"agrees: {region(claim.holds, claim.unit)}"), class_="repro-meta")
    said_by = tag("th", ", ".join(claim.said_by) or "us", scope="row")
    says = tag("td", _link(claim, text(claim.says)))
    return tag("tr", said_by, says, tag("td", finding))


def _sections(article: Article, site: Site) -> Iterator[str]:
    above: list[str] = []
    for section in article.sections:
        path = section.heading.split(" / ")
        shared = next(
            (i for i, (a, b) in enumerate(zip(above, path, strict=False)) if a != b), min(len(above), len(path))
        )
        for depth, heading in enumerate(path[shared:], start=shared):
            yield f"{'#' * min(depth + 3, 6)} {markdown(heading)}"
        above = path
        first = [article.section_of(name) == section.heading for name in section.claims]
        entries = (
            _entry(site.ledger[name], article, site, named) for name, named in zip(section.claims, first, strict=True)
        )
        yield tag("ul", *entries, class_="repro-claims")


def _entry(claim: Claim, article: Article, site: Site, named: bool) -> str:
    """The verdict, and beside it the article's own words, or where none are quoted ours, which say so.

    Args:
        named: whether this entry, the first of its claim, has the claim's anchor.
    """
    verdict, words = site.verdicts[claim.id], article.words.get(claim.id)
    finding = tag("span", estimate(verdict.estimate), class_="repro-found") if verdict.estimate else ""
    quoted = tag("span", own_words(words), class_="repro-own") if words else ""
    ours = tag("span", "our words: ", class_="repro-quiet")
    told = tag("div", quoted, ours, _link(claim, text(claim.says)), finding)
    marks = tag("span", mark(claim, verdict) + certainty(claim))
    return tag("li", marks, told, id=claim.anchor if named else None)


def _link(claim: Claim, inner: str) -> str:
    return tag("a", inner, href=f"{UP}{claim.address}")
