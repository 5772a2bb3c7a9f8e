"""Sentences about results, whose numbers and outcomes are fields: nothing that a run decides is typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from repro.bookkeeping.display.elements import markdown
from repro.bookkeeping.display.spelling import interval, number
from repro.bookkeeping.display.states import mark
from repro.bookkeeping.ledger import Claim, Outcome, Reach, State, Verdict, state
from repro.floor.estimate import Estimate

Field = Estimate | float | int | str
Conditions = Mapping[str, str | tuple[str, ...] | list[str]]  # by claim: an outcome or a state, or several

FIELD = re.compile(r"\{((?=[\w-]*[A-Za-z])[\w-]+)(?::([^{}`]*))?\}(?!`)")
# What may hold digits though nobody measured it: roles such as {cite}`...`, code, formulas, addresses of links, years,
# and names that begin with a letter (GPT-2, k3, int4).
UNMEASURED = re.compile(
    r"\{[\w:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|\b(?:19|20)\d\d\b|(?<![\w-])[A-Za-z][A-Za-z-]*\d[\w.-]*"
)
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
KNOWN = frozenset({*map(str, Outcome), *map(str, State)})
SPECS = "value, bare, range, abs, low, high, percent, inverse, less|more (two words), outcome, chip"


def told(
    template: str, fields: Mapping[str, Field], verdicts: Mapping[str, Verdict], claims: Mapping[str, Claim]
) -> str:
    """A template with its fields filled in, as Markdown.

    `{gap}` is a value with its interval, spelled as the cards spell it, and `{gap:range}` the interval alone;
    `{gap:bare}` drops the unit, `{gap:abs}` the sign, which `{gap:less|more}` says in words; `{gap:percent}` is in per
    cent and `{gap:inverse}` one over it. A count up to twelve is a word. The id of a claim that the page has settled is
    a field as well, of its estimate; `{claim:outcome}` is its outcome and `{claim:chip}` a mark that leads to its card.

    Raises:
        ValueError: a digit that stands in no field, or a field that nobody gave.
    """
    refuse_typed(template)

    def filled(found: re.Match[str]) -> str:
        name, spec = found.group(1), found.group(2) or ""
        if name in verdicts and spec in ("outcome", "chip"):
            return _of_verdict(claims[name], verdicts[name], spec)
        known = {**{claim: v.estimate for claim, v in verdicts.items() if v.estimate is not None}, **fields}
        if name not in known:
            raise ValueError(f"{{{name}}} in {_short(template)!r} is no field; given are {sorted(known)}")
        return _spelled(known[name], spec, found.group(0))

    return FIELD.sub(filled, template)


def refuse_typed(template: str) -> None:
    """Refuse a digit that stands in no field, be the sentences shown or not.

    Raises:
        ValueError: there is one.
    """
    bare = UNMEASURED.sub("", FIELD.sub("", template))
    if digits := re.findall(r"\S*\d\S*", bare):
        raise ValueError(
            f"{digits[0]!r} is typed in {_short(template)!r}; give it as a field ({{name}}, name=...), or write what "
            "no run decides as code, as a formula or with its source ({cite}`...`)"
        )


def unmet(conditions: Conditions, verdicts: Mapping[str, Verdict], claims: Mapping[str, Claim]) -> list[str]:
    """In words, the outcomes that sentences speak of and that their claims do not have.

    Raises:
        ValueError: a claim that is not of this chapter, or a word that is neither outcome nor state.
    """
    left = []
    for name, wanted in conditions.items():
        if name not in claims:
            raise ValueError(f"while_ names {name!r}, which is no claim of this chapter")
        words = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        if unknown := [word for word in words if word not in KNOWN]:
            raise ValueError(f"while_ says {unknown[0]!r} of {name}; expected one of {sorted(KNOWN)}")
        now = _now(claims[name], verdicts.get(name))
        if not set(words) & set(now):
            left.append(f"{name} is {', '.join(now)}, not {' or '.join(words)}")
    return left


def _now(claim: Claim, verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return [str(Outcome.UNTESTED)]
    found = state(claim, verdict)
    return [str(verdict.outcome), *([str(found)] if found else [])]


def _of_verdict(claim: Claim, verdict: Verdict, spec: str) -> str:
    return str(verdict.outcome) if spec == "outcome" else mark(claim, verdict, href=f"#{claim.anchor}")


def in_short(sentences: str, verdicts: Mapping[str, Verdict], claims: Mapping[str, Claim], *, do: str = "") -> str:
    """The answer at a page's head, as Markdown: sentences, what to do, and how far the claims' verdicts carry.

    Args:
        claims: those that the sentences speak of, by id.
    """
    spoken = {name: claim.reach for name, claim in claims.items() if name in verdicts and claim.reach}
    far = "; ".join(
        _reached(reach, [verdicts[name] for name in spoken if spoken[name] is reach])
        for reach in dict.fromkeys(spoken.values())
    )
    lines = [
        f"**In short.** {sentences}",
        f"**What to do.** {do}" if do else "",
        f"**It carries to** {far}." if far else "",
    ]
    return "\n\n".join(line for line in lines if line)


def _reached(reach: Reach, verdicts: list[Verdict]) -> str:
    """How far some verdicts carry, and what the measured ones among them speak for."""
    scopes = "; ".join(dict.fromkeys(verdict.scope for verdict in verdicts if verdict.scope))
    return f"{reach} ({markdown(scopes)})" if scopes and reach is not Reach.ANY else str(reach)


def as_listed(verdicts: Iterable[Verdict], claims: Mapping[str, Claim]) -> str:
    """Claims as they are said, each with its mark, its estimate and what that means: where no better words are true."""
    return "\n".join(_item(claims[verdict.claim], verdict) for verdict in verdicts)


def _item(claim: Claim, verdict: Verdict) -> str:
    found = f" {_of_estimate(verdict.estimate, '', '')}." if verdict.estimate else ""
    return f"- {markdown(claim.says)} {mark(claim, verdict, href=f'#{claim.anchor}')}{markdown(found)}"


def _spelled(value: Field, spec: str, field: str) -> str:
    if isinstance(value, str):
        return markdown(value)
    if isinstance(value, Estimate):
        return _of_estimate(value, spec, field)
    if "|" in spec:
        return _by_sign(float(value), spec)
    if spec == "percent":
        return f"{number(100 * float(value), step=10.0 if abs(value) >= 0.1 else 1.0)} %"
    if spec not in ("", "abs"):
        raise ValueError(f"{field}: a number without an interval is spelled by '', abs, percent or two words")
    if float(value) == int(value) and 0 <= value < len(WORDS):
        return WORDS[int(value)]
    return number(abs(float(value)) if spec == "abs" else float(value))


def _of_estimate(found: Estimate, spec: str, field: str) -> str:
    if "|" in spec:
        return _by_sign(found.value, spec)
    if spec == "inverse":
        return _of_estimate(found.through(lambda x: 1 / x, found.unit), "", field)
    if spec == "percent":
        return _in_percent(found.through(lambda x: 100 * x, "%"), field)
    value, low, high = interval(found)
    if found.is_exact:
        value = number(float(f"{found.value:.3g}"))  # a sentence carries three digits; the card has the rest
    unit = f" {markdown(found.unit)}" if found.unit else ""
    spellings = {
        "": f"{value}{unit}" if found.is_exact else f"{value}{unit} ({low} to {high})",
        "value": f"{value}{unit}",
        "bare": value,
        "abs": value.lstrip("−") + unit,
        "range": f"{low} to {high}{unit}",
        "low": low,
        "high": high,
    }
    if spec not in spellings:
        raise ValueError(f"{field}: {spec!r} is no way to spell an estimate; expected one of {SPECS}")
    return spellings[spec]


def _in_percent(found: Estimate, field: str) -> str:
    """A tenth of a per cent is the finest that a sentence says of a share of a tenth or more."""
    if abs(found.value) < 10 or found.is_exact or found.high - found.low >= 1:
        return _of_estimate(found, "", field)
    value, low, high = (number(x, step=1.0) for x in (found.value, found.low, found.high))
    return f"{value} % ({low} to {high})"


def _by_sign(value: float, spec: str) -> str:
    below, above = spec.split("|")
    return below if value < 0 else above


def _short(template: str) -> str:
    words = " ".join(template.split())
    return words if len(words) < 80 else f"{words[:77]}..."
