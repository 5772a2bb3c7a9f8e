"""All that the book is a function of, gathered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.bookkeeping.display.spelling import SYMBOLS
from repro.bookkeeping.ledger import Claim, Outcome, RegionChange, Verdict, final_outcomes, load_ledger
from repro.bookkeeping.ledger.outcomes import Verdicts
from repro.bookkeeping.ledger.verdict_files import Change, load_changelog, load_verdicts
from repro.bookkeeping.pages.articles import Article, Disagreement, load_articles
from repro.bookkeeping.pages.shelf import Chapter, Page, chapters
from repro.floor.scale import Scale


@dataclass(frozen=True)
class Site:
    """The book's inputs.

    Fields: `verdicts` one for each claim, chosen of those `measured` at each scale; `chapters` in reading order;
    `region_changes` None where there is no git history to read; `address` where the book is published, with a closing
    slash, or "" if nowhere.
    """

    ledger: Mapping[str, Claim]
    verdicts: Mapping[str, Verdict]
    chapters: Mapping[str, Chapter]
    articles: Sequence[Article] = ()
    disagreements: Sequence[Disagreement] = ()
    changelog: Sequence[Change] = ()
    region_changes: Sequence[RegionChange] | None = ()
    address: str = ""
    measured: Verdicts = field(default_factory=dict)

    @property
    def whole_claims(self) -> list[Claim]:
        """The claims that are not a part of another."""
        return [claim for claim in self.ledger.values() if claim.part_of is None]

    def parts_of(self, claim: Claim) -> list[Claim]:
        """The parts of a claim, in the order of its chapter."""
        return [part for part in self.ledger.values() if part.part_of == claim.id]

    @property
    def controls(self) -> list[Claim]:
        """The claims and parts that are true by construction, which no headline counts."""
        return [claim for claim in self.ledger.values() if claim.control]

    def of_one_fit(self, claim: Claim) -> list[Claim]:
        """The claims that the fit of this claim settles, itself among them; none where it names no fit."""
        return [one for one in self.ledger.values() if claim.one_fit and one.one_fit == claim.one_fit]

    def tally(self) -> dict[Outcome, int]:
        """How many whole findings have each outcome, in the order in which outcomes are always shown."""
        shown = [self.verdicts[claim.id].outcome for claim in self.whole_claims if not claim.control]
        return {outcome: shown.count(outcome) for outcome in SYMBOLS}

    def elsewhere(self, claim: Claim) -> list[Verdict]:
        """What was found of a claim at other scales than its row shows; smoke decides nothing."""
        own = self.verdicts[claim.id]
        others = [v for v in self.measured.get(claim.id, {}).values() if v.scale not in (own.scale, Scale.SMOKE)]
        return [verdict for verdict in others if verdict.outcome is not Outcome.UNTESTED]

    def card_of(self, claim: Claim) -> tuple[Page, str] | None:
        """Page and anchor of the claim's verdict card, or of that of its first part that has one."""
        cards = ((self._page_with(one), one.anchor) for one in (claim, *self.parts_of(claim)))
        return next(((page, anchor) for page, anchor in cards if page), None)

    def _page_with(self, claim: Claim) -> Page | None:
        pages = [page for page in self.chapters[claim.chapter].pages if claim.anchor in page.anchors]
        mine = [page for page in pages if page.notebook == self.verdicts[claim.id].notebook]
        return next(iter(mine or pages), None)


def gather(root: Path, results: Path, *, region_changes: Sequence[RegionChange] | None, address: str = "") -> Site:
    """The site of a checkout: experiments/, book/chapters.toml, the derived notebooks of book/chapters/ and `results`.

    Raises:
        ValueError: a ledger, verdict file or articles.toml that does not fit its schema.
    """
    experiments, book = root / "experiments", root / "book"
    ledger, measured = load_ledger(experiments), load_verdicts(results)
    articles, disagreements = load_articles(experiments / "articles.toml", ledger)
    names = dict.fromkeys(claim.chapter for claim in ledger.values())
    return Site(
        ledger=ledger,
        verdicts=final_outcomes(ledger, measured),
        chapters=chapters(book / "chapters.toml", experiments, book / "chapters", names),
        articles=articles,
        disagreements=disagreements,
        changelog=load_changelog(results),
        region_changes=region_changes,
        address=address,
        measured=measured,
    )
