"""All that the book is a function of, gathered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.bookkeeping.display.spelling import SYMBOLS
from repro.bookkeeping.ledger import Claim, Outcome, RegionChange, Verdict, final_outcomes, load_ledger
from repro.bookkeeping.ledger.outcomes import Verdicts
from repro.bookkeeping.ledger.verdict_files import Change, load_changelog, load_verdicts
from repro.bookkeeping.site.articles import Article, Disagreement, load_articles
from repro.bookkeeping.site.findings import Finding, Question, load_findings, load_questions
from repro.bookkeeping.site.shelf import Chapter, Page, Part, parts
from repro.floor.scale import Scale


@dataclass(frozen=True)
class Site:
    """The book's inputs.

    Fields: `verdicts` one for each claim, chosen of those `measured` at each scale; `parts` in reading order;
    `region_changes` None where there is no git history to read; `address` where the book is published, with a closing
    slash, or "" if nowhere.
    """

    ledger: Mapping[str, Claim]
    verdicts: Mapping[str, Verdict]
    parts: Sequence[Part]
    articles: Sequence[Article] = ()
    disagreements: Sequence[Disagreement] = ()
    changelog: Sequence[Change] = ()
    region_changes: Sequence[RegionChange] | None = ()
    address: str = ""
    measured: Verdicts = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    questions: Sequence[Question] = ()

    @property
    def chapters(self) -> dict[str, Chapter]:
        """The chapters of claims by name, in reading order."""
        return {chapter.name: chapter for part in self.parts for chapter in part.chapters}

    @property
    def pages(self) -> dict[str, Page]:
        """The pages by notebook, in reading order."""
        return {page.notebook: page for part in self.parts for page in part.pages}

    def part_of(self, claim: Claim) -> Part:
        """The part of the book that holds a claim's chapter."""
        return next(part for part in self.parts if any(c.name == claim.chapter for c in part.chapters))

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
    """The site of a checkout: experiments/, book/parts.toml, the derived notebooks of book/chapters/ and `results`.

    Raises:
        ValueError: a ledger, verdict file or list (articles, parts, findings, questions) that does not fit its schema.
    """
    experiments, book = root / "experiments", root / "book"
    ledger, measured = load_ledger(experiments), load_verdicts(results)
    articles, disagreements = load_articles(experiments / "articles.toml", ledger)
    names = dict.fromkeys(claim.chapter for claim in ledger.values())
    return Site(
        ledger=ledger,
        verdicts=final_outcomes(ledger, measured),
        parts=parts(book / "parts.toml", experiments, book / "chapters", names),
        articles=articles,
        disagreements=disagreements,
        changelog=load_changelog(results),
        region_changes=region_changes,
        address=address,
        measured=measured,
        findings=load_findings(book / "findings.toml", ledger),
        questions=load_questions(book / "questions.toml", ledger),
    )
