"""What a notebook shows: verdict card, run box, source box, table and figure, each a string of HTML."""

from __future__ import annotations

import base64
import math
import numbers
from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from repro.bookkeeping.display.elements import block, tag, text
from repro.bookkeeping.display.spelling import estimate, interval, number, outcome_class, region
from repro.bookkeeping.display.states import mark, reason
from repro.bookkeeping.display.strip import strip
from repro.bookkeeping.ledger import Claim, Verdict, judge


def verdict_card(claim: Claim, verdict: Verdict) -> str:
    """A claim with its verdict: one line of outcome, sentence and estimate, and behind it all that it rests on.

    The anchor lies inside what is folded, so that a link to it opens the card.
    """
    title = f"says-{claim.id}"
    found = tag("span", estimate(verdict.estimate), class_="repro-found") if verdict.estimate else ""
    says = tag("h3", text(claim.says), id=title, class_="repro-card-says")
    facts = "".join(tag("div", tag("dt", name), tag("dd", value)) for name, value in _facts(claim, verdict) if value)
    body = tag(
        "div",
        tag("p", text(reason(claim, verdict)), class_="repro-card-reason"),
        strip(claim, verdict.estimate) if verdict.estimate else "",
        tag("dl", facts),
        _choices(claim, verdict),
        tag("p", tag("a", text(claim.id), class_="repro-id", href=f"#{claim.anchor}", aria_label="Link to this claim")),
        class_="repro-card-body",
        id=claim.anchor,
    )
    classes = f"repro-card {outcome_class(verdict.outcome)}"
    return block(
        f'<section class="{classes}" aria-labelledby="{title}"><details>',
        tag("summary", tag("span", mark(claim, verdict), class_="repro-card-head"), says, found),
        body,
        "</details></section>",
    )


def _facts(claim: Claim, verdict: Verdict) -> list[tuple[str, str]]:
    who = ", ".join(claim.said_by)
    ends = region(claim.holds, claim.unit) + (f": {claim.because}" if claim.because else "")
    measured = f"{verdict.scale}: {verdict.scope}" if verdict.scale else verdict.scope
    return [
        ("Estimate", _estimate(verdict)),
        ("Measured", text(claim.metric)),
        ("Region stated beforehand", text(ends)),
        ("If it were false", text(f"about {number(claim.rival)} {claim.unit}") if claim.rival is not None else ""),
        ("Scale" if verdict.scale else "Where", text(measured)),
        ("Carries to", str(claim.reach or "")),
        ("Device", text(verdict.device)),
        ("One fit", _one_fit(claim)),
        ("Said by", f"{'article' if len(claim.said_by) == 1 else 'articles'} {who}" if who else ""),
        ("Source", text(claim.primary)),
    ]


def _choices(claim: Claim, verdict: Verdict) -> str:
    """What the estimate becomes under other choices, one per row, the choice made first."""
    if not verdict.also or verdict.estimate is None or verdict.scale is None:
        return ""
    as_judged = judge(claim, verdict.estimate, verdict.scale).outcome
    rows = [("as judged", verdict.estimate, as_judged), *((c.name, c.estimate, c.outcome) for c in verdict.also)]
    spelled = [(name, *interval(found), str(outcome)) for name, found, outcome in rows]
    frame = pd.DataFrame(spelled, columns=["choice", "estimate", "low", "high", "outcome"])
    unit = f", in {claim.unit}" if claim.unit else ""
    return data_table(frame, f"What other choices, as good, make of the estimate{unit}.", of=claim.id)


def _one_fit(claim: Claim) -> str:
    return f"{tag('code', text(claim.one_fit))}, on which other claims rest too" if claim.one_fit else ""


def _estimate(verdict: Verdict) -> str:
    measured = verdict.estimate
    if measured is None:
        return ""
    value, low, high = interval(measured)
    shown = tag("strong", value) + (f" {text(measured.unit)}" if measured.unit else "")
    if measured.is_exact:
        return f"{shown}, exact"
    how = ", ".join(
        [
            text(f"{measured.level * 100:g} %"),
            f"n = {measured.n}",
            *([text(measured.method)] if measured.method else []),
        ]
    )
    return f"{shown}, {low} to {high} " + tag("span", f"({how})", class_="repro-quiet")


def run_box(*, command: str, parameters: Sequence[tuple[str, object, object]], provenance: Mapping[str, object]) -> str:
    """The box at a chapter's end: the command that reruns it, its parameters, and what made the numbers.

    Args:
        parameters: (name, the scale's own value, the value used); a changed one is marked in words.
    """
    rows = []
    for name, own, used in parameters:
        mark = "" if own == used else tag("span", " changed", class_="repro-changed")
        cells = tag("th", tag("code", text(name)), scope="row") + tag("td", text(str(own)))
        rows.append(tag("tr", cells, tag("td", text(str(used)), mark)))
    head = "".join(tag("th", word, scope="col") for word in ("parameter", "at this scale", "this page"))
    table = tag("table", tag("thead", tag("tr", head)), tag("tbody", *rows))
    facts = "".join(tag("div", tag("dt", text(k)), tag("dd", text(str(v)))) for k, v in provenance.items())
    return block(
        '<aside class="repro-runbox" aria-label="Run it again">',
        tag("p", "Run it again", class_="repro-runbox-title"),
        tag("pre", tag("code", escape(command, quote=False)), tabindex=0, aria_label="Command"),
        _scrolling(table, "Parameters of this page") if rows else "",
        tag("dl", facts),
        "</aside>",
    )


def source_box(title: str, source_html: str) -> str:
    """The source of a function, closed at first.

    Args:
        source_html: what Pygments' HtmlFormatter gives.
    """
    summary = tag("summary", "Source of ", tag("code", text(title)))
    return f'<details class="repro-source">{summary}{source_html.strip()}</details>'


def data_table(frame: pd.DataFrame, caption: str, *, of: str = "") -> str:
    """A table of the book: escaped, with its headers marked, in a region that scrolls by keyboard too.

    Args:
        of: what it belongs to, where others of the page have the same caption.
    """
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns]
    head = "".join(
        tag("th", text(str(name)), scope="col", class_="repro-number" if right else None)
        for name, right in zip(frame.columns, numeric, strict=True)
    )
    body = "\n".join(_row(row, numeric) for row in frame.itertuples(index=False, name=None))
    table = block(
        "<table>", tag("caption", text(caption)), tag("thead", tag("tr", head)), f"<tbody>{body}</tbody></table>"
    )
    return f'<div class="repro-table">{_scrolling(table, f"{caption} {of}".strip())}</div>'


def other_scales(verdicts: Sequence[Verdict]) -> str:
    """What the claims of a page came to at other scales than its own."""
    rows = []
    for verdict in verdicts:
        assert verdict.estimate is not None
        value, low, high = interval(verdict.estimate)
        measured = f"{value} {verdict.estimate.unit}".rstrip() + f", {low} to {high}"
        where = "; ".join(word for word in (verdict.scope, verdict.device) if word)
        rows.append((verdict.claim, verdict.scale, verdict.outcome, measured, where))
    frame = pd.DataFrame(rows, columns=["claim", "scale", "outcome", "estimate", "measured on"])
    return data_table(frame, "The same claims at other scales.")


def _row(values: tuple[object, ...], numeric: Sequence[bool]) -> str:
    first, *rest = (text(_cell(value)) for value in values)
    cells = [tag("th", first, scope="row", class_="repro-number" if numeric[0] else None)]
    cells += [
        tag("td", cell, class_="repro-number" if right else None) for cell, right in zip(rest, numeric[1:], strict=True)
    ]
    return tag("tr", *cells)


def _cell(value: object) -> str:
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, numbers.Real):
        return "" if math.isnan(float(value)) else number(float(value))
    return str(value)


def _scrolling(wide: str, label: str) -> str:
    return tag("div", "\n", wide, "\n", class_="repro-scroll", role="region", tabindex=0, aria_label=label)


def figure(svg: str, caption: str, csv_text: str, filename: str) -> str:
    """A figure with its caption and its numbers as a file that the page itself holds, so that it works offline."""
    encoded = base64.b64encode(csv_text.encode()).decode()
    link = tag("a", "Numbers (CSV)", download=filename, href=f"data:text/csv;charset=utf-8;base64,{encoded}")
    return block(
        '<figure class="repro-figure">',
        _scrolling(svg, f"Figure: {caption}"),
        tag("figcaption", text(caption), " ", tag("span", link, class_="repro-data")),
        "</figure>",
    )
