"""The ledger page: what to expect of so many verdicts, regions that were changed, and every claim as a row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from repro.bookkeeping.display.elements import block, tag, text
from repro.bookkeeping.display.papers import linked
from repro.bookkeeping.display.spelling import SYMBOLS, estimate, number, region
from repro.bookkeeping.display.states import certainty, mark
from repro.bookkeeping.ledger import Certainty, Claim, Kind, Outcome, Reach, RegionChange, State, Verdict, state
from repro.bookkeeping.pages.history import turned
from repro.bookkeeping.site import Site
from repro.statistics import LEVEL, Multiplicity, distance_p_value, multiplicity

COLUMNS = ("Claim", "Outcome", "Estimate, region", "Carries to", "Said by", "Kind", "Chapter")
# Settled claims first, and among them those that people come for.
ORDER = tuple(
    Outcome(name)
    for name in (
        *("refuted", "contradicted", "supported", "attested", "mixed", "undisclosed", "not testable", "open"),
        "untested",
    )
)


def ledger_notes(site: Site) -> str:
    """How many false verdicts to expect, how many places were opened, and each region that was changed late."""
    lines = [
        '<div class="repro-notes">',
        tag("p", text(expected_false(false_verdicts(site)))),
        tag("p", text(places_read(site))),
        *_changed_regions(site.region_changes),
        "</div>",
    ]
    return block(*lines)


def false_verdicts(site: Site) -> Multiplicity:
    """What to expect of the findings that rest on an interval, each tested against its region's nearest edge.

    Verdicts of one fit are right or wrong together: they count once, with the largest of their p-values.
    """
    tested: dict[tuple[str, str], float] = {}
    for name, verdict in site.verdicts.items():
        claim, measured = site.ledger[name], verdict.estimate
        judged = verdict.outcome in (Outcome.SUPPORTED, Outcome.REFUTED, Outcome.OPEN) and not claim.control
        if claim.holds and measured and not measured.is_exact and judged:
            shared = ("fit", claim.one_fit) if claim.one_fit else ("claim", name)
            tested[shared] = max(_p_value(claim, verdict), tested.get(shared, 0.0))
    return multiplicity(list(tested.values()), LEVEL)


def _p_value(claim: Claim, verdict: Verdict) -> float:
    """Of the truth lying at an edge of the region, for the estimate that comes nearest among all choices."""
    assert claim.holds is not None and verdict.estimate is not None
    edges = [edge for edge in claim.holds.bounds if math.isfinite(edge)]
    estimates = [verdict.estimate, *(choice.estimate for choice in verdict.also)]
    return max(distance_p_value(one, edge) for one in estimates for edge in edges)


def expected_false(odds: Multiplicity) -> str:
    """The number of false verdicts to expect, in words."""
    if not odds.judged:
        return "No verdict rests on an interval yet, so none of them can be wrong by chance."
    return (
        f"How many of these verdicts are wrong? {odds.judged} findings were judged by {LEVEL * 100:g} % intervals, "
        f"controls left out and the rows of one fit counted once, and {odds.decided} of them were decided. Were every "
        f"truth just across an edge of its region, {number(odds.expected_false)} would be decided wrongly by chance; "
        "most lie farther away, so fewer are. With the false discovery rate held at "
        f"{odds.rate * 100:.2g} % over all that was judged (Benjamini and Hochberg), {odds.kept} of the "
        f"{odds.decided} stand; {odds.decided - odds.kept} are decided by a hair. Read no single row as certain."
    )


def places_read(site: Site) -> str:
    """How near we came to the places of the findings by citation, counted."""
    counts = Counter(claim.certainty for claim in site.ledger.values() if claim.finding)
    if not counts:
        return "No record is settled by citation yet."
    return (
        f"{counts.total()} records are settled by citation, and a line under each says how near we came to its place: "
        f"{counts[Certainty.OPENED]} rest on a place that was opened, in the source or in a whole copy of it; of "
        f"{counts[Certainty.ABSTRACT]} only the abstract was read; {counts[Certainty.SECOND_HAND]} are told second "
        f"hand, from what others write of the source; {counts[Certainty.UNOPENED]} are remembered, their place "
        "unopened. Where a finding names several places, the one that we came least near to counts."
    )


def _changed_regions(changes: Iterable[RegionChange] | None) -> list[str]:
    if changes is None:
        return [tag("p", "This copy has no git history, so changed regions cannot be listed here.")]
    listed = [
        tag(
            "li",
            tag("a", text(change.claim), href=f"#claim-{change.claim}"),
            text(f", {change.date}: {turned(change)}. ") + " ",
            tag("em", text(f"{change.why} ({change.commit})")),
        )
        for change in changes
    ]
    if not listed:
        return [tag("p", "No region was changed after its claim's first verdict.")]
    summary = tag("summary", f"Regions and metrics that were changed after the claim's first verdict: {len(listed)}")
    return [tag("details", summary, tag("ul", *listed))]


def ledger_table(site: Site) -> str:
    """Filters, row count and table; readable, printable and searchable without JavaScript."""
    order = list(site.chapters)
    claims = sorted(
        site.whole_claims, key=lambda claim: (ORDER.index(site.verdicts[claim.id].outcome), order.index(claim.chapter))
    )
    groups = (_group(claim, site) for claim in claims)
    head = "".join(tag("th", name, scope="col") for name in COLUMNS)
    return block(
        '<div class="repro-ledger" id="ledger">',
        _filters(site),
        "<table>",
        tag("caption", f"Every claim with its verdict ({len(site.ledger)} rows)", class_="repro-unseen"),
        tag("thead", tag("tr", head)),
        *groups,
        "</table></div>",
    )


def _filters(site: Site) -> str:
    occurring = {verdict.outcome for verdict in site.verdicts.values()}
    states = [(f"open:{one}", f"open: {one}") for one in State if one not in (State.EXACT, State.MEASURED)]
    outcomes = [("settled", "all settled"), *((o, str(o)) for o in SYMBOLS if o in occurring), *states]
    choices: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("outcome", "Outcome", outcomes),
        ("chapter", "Chapter", [(chapter.name, chapter.title) for chapter in site.chapters.values()]),
        ("article", "Article", [(article.letter, article.letter) for article in site.articles]),
        ("reach", "Carries to", [(reach, str(reach)) for reach in Reach]),
        ("kind", "Kind", [(kind, str(kind)) for kind in Kind]),
        ("control", "Control", [("no", "left out"), ("yes", "alone")]),
    ]
    find = tag("label", "Find", tag("input", type="search", name="find", autocomplete="off"))
    columns = [(str(place), name) for place, name in enumerate(COLUMNS) if name != "Outcome"]
    sort = _choice("sort", "Sort by", columns).replace(">any<", ">as listed<")
    waiting = tag("input", type="checkbox", name="waiting", value="yes")
    count = tag("output", f"{len(site.ledger)} of {len(site.ledger)} rows", aria_live="polite")
    reset = tag("button", "Clear", type="reset")
    return tag(
        "form",
        find,
        *(_choice(*choice) for choice in choices),
        sort,
        tag("label", "Not measured yet", waiting, class_="repro-tick"),
        reset,
        count,
        class_="repro-filters",
        hidden=True,
        role="search",
        aria_label="Filter the ledger",
    )


def _choice(name: str, label: str, values: list[tuple[str, str]]) -> str:
    options = (tag("option", text(shown), value=value) for value, shown in [("", "any"), *values])
    return tag("label", label, tag("select", *options, name=name))


def _group(claim: Claim, site: Site) -> str:
    """A claim and its parts, which stay under it however the table is sorted."""
    return tag("tbody", *(f"\n{_row(one, site)}" for one in (claim, *site.parts_of(claim))))


def _row(claim: Claim, site: Site) -> str:
    verdict = site.verdicts[claim.id]
    papers = "" if claim.part_of else linked(claim.primary)  # a part stands under its whole, which names them
    about = tag("a", text(claim.id), href=claim.address, class_="repro-id") + f" {papers}".rstrip()
    unsettled = verdict.outcome is Outcome.UNTESTED and claim.why
    reason = verdict.reason if unsettled or verdict.outcome in (Outcome.NOT_TESTABLE, Outcome.CONTRADICTED) else ""
    says = [tag("span", text(claim.says), class_="repro-says"), tag("span", about, class_="repro-meta")]
    says += [tag("span", text(reason), class_="repro-meta")] if reason else []
    measured = verdict.estimate
    cells = [
        tag("th", *says, scope="row"),
        _cell(mark(claim, verdict) + certainty(claim), list(SYMBOLS).index(verdict.outcome)),
        _cell(
            _measured(claim, verdict, site),
            f"{measured.value:.6g}" if measured else "",
        ),
        _cell(_reach(claim, verdict), None if verdict.estimate else ""),
        _cell(", ".join(claim.said_by), "".join(claim.said_by) or None),
        _cell(str(claim.kind)),
        _cell(text(site.chapters[claim.chapter].title), list(site.chapters).index(claim.chapter)),
    ]
    return tag(
        "tr",
        *cells,
        id=claim.anchor,
        class_="repro-part" if claim.part_of else None,
        data_outcome=verdict.outcome,
        data_chapter=claim.chapter,
        data_article=" ".join(claim.said_by) or None,
        data_kind=claim.kind,
        data_reach=claim.reach if verdict.estimate else None,
        data_state=state(claim, verdict),
        data_control="yes" if claim.control else None,
        data_settled=verdict.outcome.settled,
    )


def _cell(inner: str, key: str | int | None = None) -> str:
    return tag("td", inner, data_key=key)


def _measured(claim: Claim, verdict: Verdict, site: Site) -> str:
    shown, parts = [estimate(verdict.estimate)] if verdict.estimate else [], len(site.parts_of(claim))
    if claim.holds:
        shown.append(tag("span", text(f"agrees: {region(claim.holds, claim.unit)}"), class_="repro-meta"))
    for other in site.elsewhere(claim) if not parts else ():
        found = f" {estimate(other.estimate)}" if other.estimate else ""
        shown.append(tag("span", f"at scale {other.scale} {other.outcome}:{found}", class_="repro-meta"))
    if verdict.also:
        counts = Counter(choice.outcome for choice in verdict.also)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        shown.append(tag("span", f"under other choices: {told}", class_="repro-meta"))
    if claim.one_fit:
        name = tag("a", text(claim.one_fit), href=f"ledger.html?find={claim.one_fit}")
        told = f", which settles {len(site.of_one_fit(claim))} rows"
        shown.append(tag("span", "one fit: ", name, told, class_="repro-meta"))
    if parts:
        counts = Counter(site.verdicts[part.id].outcome for part in site.parts_of(claim))
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        shown.append(tag("span", f"{parts} parts: {told}", class_="repro-meta repro-parts"))
    return "".join(shown)


def _reach(claim: Claim, verdict: Verdict) -> str:
    """How far the verdict carries, at which scale it was measured and what it speaks for, or what it needs."""
    scale = f"scale {verdict.scale}" if verdict.scale else ""
    words = "; ".join(word for word in (scale, verdict.scope, verdict.device) if word)
    scope = tag("span", linked(words), class_="repro-meta") if words else ""
    if verdict.estimate and claim.reach:
        return f"{text(claim.reach)}{scope}"
    return scope or (tag("span", f"needs {claim.needs}", class_="repro-meta") if claim.needs else "")
