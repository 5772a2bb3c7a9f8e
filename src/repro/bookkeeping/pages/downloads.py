"""The whole ledger as data: one row per claim and part, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from repro.bookkeeping.ledger import Claim, state
from repro.bookkeeping.site import Site

SCHEMA = (
    "One entry per claim or part. `outcome` and `state` are words of the book's method; value, low and high are the "
    "estimate with its interval at `level` in `unit`, region_low and region_high the values that agree with the claim, "
    "`rival` what would be seen if it were false; an unbounded side is null. `reach` says how far the verdict carries, "
    "and `address` where the book tells the claim's history."
)


def claims_json(site: Site) -> str:
    """The ledger with its schema in words."""
    dates = [verdict.date for verdict in site.verdicts.values() if verdict.date]
    whole = {
        "schema": SCHEMA,
        "newest": max(dates, default=""),
        "claims": [_row(c, site) for c in site.ledger.values()],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def claims_csv(site: Site) -> str:
    """The ledger as a table."""
    rows = [_row(claim, site) for claim in site.ledger.values()]
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, list(rows[0]) if rows else ["id"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "said_by": "".join(row["said_by"])} for row in rows)
    return sheet.getvalue()


def _row(claim: Claim, site: Site) -> dict[str, Any]:
    verdict = site.verdicts[claim.id]
    found, bounds = verdict.estimate, claim.holds.bounds if claim.holds else (-math.inf, math.inf)
    return {
        "id": claim.id,
        "part_of": claim.part_of,
        "address": f"{site.address}{claim.address}",
        "chapter": claim.chapter,
        "says": claim.says,
        "said_by": list(claim.said_by),
        "primary": claim.primary,
        "kind": str(claim.kind),
        "control": claim.control,
        "outcome": str(verdict.outcome),
        "state": state(claim, verdict),
        **{name: _finite(getattr(found, name)) if found else None for name in ("value", "low", "high", "level", "n")},
        "unit": claim.unit,
        "metric": claim.metric,
        "region_low": _finite(bounds[0]),
        "region_high": _finite(bounds[1]),
        "rival": claim.rival,
        "because": claim.because,
        "reach": claim.reach if found else None,
        "scale": str(verdict.scale) if verdict.scale else None,
        "scope": verdict.scope,
        "notebook": verdict.notebook,
        "date": verdict.date,
        "reason": verdict.reason,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
