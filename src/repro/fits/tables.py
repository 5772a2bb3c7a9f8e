"""What a report shows, in words and tables of words: the same on the command line and on a page.

Legend: N parameters, D training tokens, C floating-point operations.
"""

from __future__ import annotations

import pandas as pd

from repro.corpora.tables.numbers import spell_size
from repro.fits.report import Report
from repro.floor.estimate import Estimate


def scope(made: Report, name: str) -> str:
    """Whose runs these are, how many, over which sizes, and which are left out.

    Args:
        name: the file's.
    """
    frame = made.runs.frame
    left_out = "".join(f", without {len(rows)} {why}" for why, rows in made.runs.left_out.items())
    return (
        f"{len(frame)} runs of {name}: "
        f"N {spell_size(frame['N'].min())} to {spell_size(frame['N'].max())}, "
        f"D {spell_size(frame['D'].min())} to {spell_size(frame['D'].max())}, "
        f"N counted: {made.runs.convention}{left_out}"
    )


def tables(made: Report) -> dict[str, pd.DataFrame]:
    """Tables of texts by title: exponents, the law, and the optimum at each budget."""
    exponents = [
        (f"{approach.number}  {approach.name}", _spell(approach.a, ".3f"), _spell(approach.b, ".3f"))
        for approach in made.approaches
    ]
    law = [(name, _spell(estimate, ".4g")) for name, estimate in made.law.items()]
    return {
        "Exponents, 99 % intervals": pd.DataFrame(exponents, columns=["approach", "a  (N* ~ C^a)", "b  (D* ~ C^b)"]),
        "L = E + A / N^alpha + B / D^beta": pd.DataFrame(law, columns=["of approach 3", "value"]),
        **{_title(made, place): _optima(made, place) for place in range(len(made.wanted))},
    }


def remarks(made: Report) -> list[tuple[str, str]]:
    """What to distrust and to know: pairs of a kind (approach 1 does not apply, warning, note) and a sentence."""
    return [
        *((f"approach {number} does not apply", why) for number, why in sorted(made.absent.items())),
        *(("warning", warning) for warning in made.warnings),
        *(("note", note) for note in made.runs.notes),
    ]


def _title(made: Report, place: int) -> str:
    beyond = max((approach.optima[place].beyond for approach in made.approaches), default=1.0)
    outside = f", {beyond:.3g} times outside the runs" if beyond > 1 else ""
    return f"At {made.wanted[place]:.3g} FLOP{outside}"


def _optima(made: Report, place: int) -> pd.DataFrame:
    optima = [(str(approach.number), approach.optima[place]) for approach in made.approaches]
    rows = [(number, _count(o.N), _count(o.D), _spell(o.tokens_per_parameter, ".3g")) for number, o in optima]
    return pd.DataFrame(rows, columns=["by", "N*", "D*", "D*/N*"])


def _spell(estimate: Estimate, form: str) -> str:
    return f"{estimate.value:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"


def _count(estimate: Estimate) -> str:
    return f"{spell_size(estimate.value)} [{spell_size(estimate.low)}, {spell_size(estimate.high)}]"
