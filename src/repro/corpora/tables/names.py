"""Names of columns as people spell them, and which known name one may have been meant for."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping

SHOWN = 5  # problems or names in one message
ALIKE = 0.75  # of 1, for a name that may be a misspelling of another


def plain(name: str) -> str:
    """A name without case, blanks and marks: `valLoss`, `val/loss` and `Val Loss` are `val_loss`."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z][A-Za-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.casefold()).strip("_")


def listed(names: list[str]) -> str:
    """Names in quotes, the first ten of them."""
    more = f" and {len(names) - 2 * SHOWN} more" if len(names) > 2 * SHOWN else ""
    return ", ".join(map(repr, names[: 2 * SHOWN])) + more


def near(columns: Mapping[int, str], spellings: Mapping[str, str]) -> dict[int, str]:
    """The known spelling that a column's name may be meant for, by the column's place: one column per meaning.

    Args:
        columns: names by place, of those that are not read. spellings: what each known plain name means.
    """
    best: dict[str, tuple[float, int, str]] = {}
    known = [spelling for spelling in spellings if len(spelling) > 1]
    times = Counter(columns.values())
    for place, name in columns.items():
        if times[name] > 1:  # renaming one of two alike names says not which
            continue
        for spelling in difflib.get_close_matches(plain(name), known, n=1, cutoff=ALIKE):
            likeness = difflib.SequenceMatcher(None, spelling, plain(name)).ratio()
            meaning = spellings[spelling]
            best[meaning] = max(best.get(meaning, (0.0, -1, "")), (likeness, place, spelling))
    return {place: spelling for _, place, spelling in sorted(best.values(), key=lambda found: found[1])}


def asked(header: list[str], renamings: Mapping[int, str]) -> str:
    """The renamings as a question, empty where there are none."""
    hints = [f"{header[place]!r} (did you mean {name!r}?)" for place, name in renamings.items()]
    return f". Near: {', '.join(hints)}" if hints else ""
