"""What a notebook shows: verdict card, run box, source box, table and figure, each a string of HTML."""

from __future__ import annotations

import base64
import math
import numbers
from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from repro.bookkeeping.display.elements import block, tag, text
from repro.bookkeeping.display.facts import UP, facts
from repro.bookkeeping.display.spelling import estimate, interval, number, outcome_class
from repro.bookkeeping.display.states import mark, reason
from repro.bookkeeping.display.strip import strip
from repro.bookkeeping.ledger import Claim, Verdict, judge

MOST_COLUMNS = 7  # of a table that a page can show without scrolling


def verdict_card(claim: Claim, verdict: Verdict) -> str:
    """A claim with its verdict: one line of outcome, sentence and estimate, and behind it all that it rests on.

    The anchor lies inside what is folded, so that a link to it opens the card.
    """
    title = f"says-{claim.id}"
    link = tag("a", text(claim.id), class_="repro-id", href=f"#{claim.anchor}", aria_label="Link to this claim")
    found = tag("span", estimate(verdict.estimate), class_="repro-found") if verdict.estimate else ""
    glance = strip(claim, verdict.estimate, at_a_glance=True) if verdict.estimate else ""
    says = tag("h3", text(claim.says), id=title, class_="repro-card-says")
    body = tag(
        "div",
        tag("p", text(reason(claim, verdict)), class_="repro-card-reason"),
        strip(claim, verdict.estimate) if verdict.estimate else "",
        facts(claim, verdict),
        _choices(claim, verdict),
        tag("p", link, " ", tag("a", "Its history and records", href=f"{UP}{claim.address}"), class_="repro-meta"),
        class_="repro-card-body",
        id=claim.anchor,
    )
    classes = f"repro-card {outcome_class(verdict.outcome)}"
    return block(
        f'<section class="{classes}" aria-labelledby="{title}"><details>',
        tag("summary", tag("span", mark(claim, verdict), class_="repro-card-head"), says, found, glance),
        body,
        "</details></section>",
    )


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

    One that is wide and short is turned, so that its rows stand side by side.

    Args:
        of: what it belongs to, where others of the page have the same caption.
    """
    turn = len(frame.columns) > MOST_COLUMNS and len(frame) < len(frame.columns)
    shown = _turned(frame) if turn else frame
    columns = (shown.iloc[:, place] for place in range(len(shown.columns)))
    numeric = [(turn and place > 0) or all(map(_is_number, column)) for place, column in enumerate(columns)]
    head = "".join(
        tag("th", text(_in_words(name)), scope="col", class_="repro-number" if right else None)
        for name, right in zip(shown.columns, numeric, strict=True)
    )
    body = "\n".join(_row(row, numeric) for row in shown.itertuples(index=False, name=None))
    table = block(
        "<table>", tag("caption", text(caption)), tag("thead", tag("tr", head)), f"<tbody>{body}</tbody></table>"
    )
    return f'<div class="repro-table">{_scrolling(table, f"{caption} {of}".strip())}</div>'


def _turned(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns as rows. The first columns that tell the rows apart become the heads of the new columns."""
    names = [_in_words(name) for name in frame.columns]
    apart = next((n for n in range(1, len(names)) if not frame.iloc[:, :n].duplicated().any()), len(names) - 1)
    heads = [", ".join(_cell(value) for value in row[:apart]) for row in frame.itertuples(index=False, name=None)]
    rows = [(name, *frame.iloc[:, place]) for place, name in enumerate(names) if place >= apart]
    return pd.DataFrame(rows, columns=[", ".join(names[:apart]), *heads], dtype=object)


def _in_words(name: object) -> str:
    """A column's name; one that is a variable's (`learning_rate`) without its underscores."""
    return str(name) if " " in str(name) else str(name).replace("_", " ")


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


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
