"""What answers with and without a draft say: acceptance, tokens per verification, speed-up, and the formulas for them.

A row is a trial of `time_decoding`: lists over batches of prompts. What is counted has a bootstrap over the batches.
What is timed and judged has Student's t over processes, since another process finds its memory elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import pandas as pd

from repro.floor.measurement import Numbers
from repro.inference.speculation.configurations import MODEL, NGRAMS
from repro.sizing.speculation import expected_tokens
from repro.statistics import Estimate, geometric_t, joint_bootstrap
from repro.statistics.resampling import FEWEST_ITEMS

JUDGED = ["target", "draft", "ngrams", "repeated", "text"]
BETTER_THAN_DRAFT, BETTER_THAN_NGRAMS = 0.3, 0.5  # nats per token
ABOVE_TEXT = 0.05  # repeated 4-grams of answers drawn as the claims draw, beyond the text's own share
LOOPING = 0.3  # repeated 4-grams of greedy answers, from which on their speed tells of loops
ACCEPTED_MORE = 0.1  # than 5-grams

Way = TypeVar("Way")
NOTHING = float("nan")  # in a table, where there is nothing to tell


def worth_judging(quality: Numbers) -> bool:
    """Whether a target is out of small models' reach, so that its speed says something of large ones.

    Args:
        quality: what `judge_target` returns of answers that are not greedy.
    """
    target, draft, ngrams, repeated, text = (float(quality[name]) for name in JUDGED)  # type: ignore[arg-type]
    near = draft - target < BETTER_THAN_DRAFT or ngrams - target < BETTER_THAN_NGRAMS
    return not near and repeated <= text + ABOVE_TEXT


def better_than_ngrams(decoders: pd.DataFrame) -> bool:
    """Whether the target accepts more of its draft model, at temperature 1, than of 5-grams: else drafting is easy.

    Args:
        decoders: the table of `by_decoder`.
    """
    accepted = decoders.set_index("label")["accepted"]
    return bool(accepted[f"{MODEL}, temperature 1"] - accepted[f"{NGRAMS}, temperature 1"] >= ACCEPTED_MORE)


def predicted_speedup(acceptance: float, drafted: int, cost: float, verification: float = 1.0) -> float:
    """The speed-up (1-a^(g+1)) / ((1-a) (g c + v)); at v = 1 that of Leviathan et al. 2022, theorem 3.8."""
    return expected_tokens(acceptance, drafted) / (drafted * cost + verification)


Row = Mapping[Any, Any]
LISTS = ("plain", "speculative", "overlap", "tested", "accepted", "rounds", "tokens")


def speedup(row: Row) -> Estimate:
    """Time of plain decoding over that of speculative decoding, totals over the same prompts."""
    return joint_bootstrap(
        lambda plain, drafted: plain.sum() / drafted.sum(), *_lists(row, "plain", "speculative"), unit="times"
    )


def fastest(ways: Sequence[Way], tried: pd.DataFrame) -> tuple[Way, Way]:
    """The way whose plain answers took the least time, and the one whose speculative answers did.

    Args:
        ways: of the trials, one each.
        tried: trials on the same prompts, which must not be those that a verdict rests on.
    """
    plain, speculative = ([sum(seconds) for seconds in tried[side]] for side in ("plain", "speculative"))
    return ways[plain.index(min(plain))], ways[speculative.index(min(speculative))]


def fastest_speedup(plain: pd.DataFrame, speculative: pd.DataFrame) -> Estimate:
    """Time of one decoder's plain answers over that of another's speculative ones, with Student's t over processes.

    Args:
        plain, speculative: a trial per process each, in the same order and on the same prompts.
    """
    return geometric_t(
        [sum(one) / sum(other) for one, other in zip(plain["plain"], speculative["speculative"], strict=True)],
        unit="times",
    )


def chosen_decoders(gains: Mapping[str, tuple[tuple[tuple[str, int], ...], Estimate]]) -> pd.DataFrame:
    """A row per name: the layout of the fastest plain decoder, layout and drafted tokens of the other, and the gain."""
    rows = [
        {
            "together": name,
            "without a draft": f"weights in {plain[0]}",
            "with one": f"weights in {drafting[0]}, {drafting[1]} tokens drafted",
            **{"speed-up": gain.value, "low": gain.low, "high": gain.high},
        }
        for name, ((plain, drafting), gain) in gains.items()
    ]
    return pd.DataFrame(rows)


def joined(trials: pd.DataFrame) -> Row:
    """Trials of several processes as one, their lists joined."""
    return {name: list(chain.from_iterable(trials[name])) for name in LISTS}


def untested(trials: pd.DataFrame, drafted: int) -> str:
    """Why the acceptance of drafted tokens cannot be told, in words, or nothing where it can.

    Only rounds that draft as many tokens as wanted test any. A resample of few such prompts may hold none of them, and
    so may a process: none accepted of none tested is no share.
    """
    tested = [[count > 0 for count in prompts] for prompts in trials["tested"]]
    prompts, reached = sum(map(len, tested)), sum(map(sum, tested))
    if reached >= FEWEST_ITEMS and all(map(any, tested)):
        return ""
    return (
        f"nothing is told of {drafted} drafted tokens: they were tested on {reached} of {prompts} prompts; give longer "
        f"answers (-p answer), more prompts, or a draft that guesses more often (expected {FEWEST_ITEMS}, and one per "
        "process)"
    )


def acceptance(row: Row) -> Estimate:
    """Share of the tested drafted tokens that were accepted."""
    return joint_bootstrap(lambda accepted, tested: accepted.sum() / tested.sum(), *_lists(row, "accepted", "tested"))


def overlap(row: Row) -> Estimate:
    """The overlap of the two laws, sum min(p, q): its mean over the places of the plain answers."""
    return joint_bootstrap(lambda overlap: overlap.mean(), *_lists(row, "overlap"))


def acceptance_over_overlap(row: Row) -> Estimate:
    """The counted acceptance over the overlap of the two laws."""
    return joint_bootstrap(
        lambda accepted, tested, overlap: accepted.sum() / tested.sum() / overlap.mean(),
        *_lists(row, "accepted", "tested", "overlap"),
        unit="times",
    )


def tokens_per_verification(row: Row) -> Estimate:
    """Tokens written per verification of a whole draft."""
    return joint_bootstrap(lambda tokens, rounds: tokens.sum() / rounds.sum(), *_lists(row, "tokens", "rounds"))


def tokens_over_closed_form(row: Row, drafted: int) -> Estimate:
    """Tokens written per verification over (1-a^(g+1))/(1-a), which the counted acceptance a predicts."""
    return joint_bootstrap(
        lambda tokens, rounds, accepted, tested: (
            tokens.sum() / rounds.sum() / expected_tokens(float(accepted.sum() / tested.sum()), drafted)
        ),
        *_lists(row, "tokens", "rounds", "accepted", "tested"),
        unit="times",
    )


def speedup_over_prediction(
    trials: pd.DataFrame, drafted: int, costs: Sequence[float], verifications: Sequence[float] | None = None
) -> Estimate:
    """The measured speed-up over the formula's, at the acceptance of the same answers, with Student's t over processes.

    Args:
        trials: one per process.
        costs: of a draft's step over a plain one, measured in as many processes.
        verifications: of a verification over a plain step, likewise; None: free ones.
    """
    ratios = []
    for row, cost, verification in zip(
        trials.to_dict("records"), costs, verifications or [1.0] * len(costs), strict=True
    ):
        rate = sum(row["accepted"]) / sum(row["tested"])
        gain = sum(row["plain"]) / sum(row["speculative"])
        ratios.append(gain / predicted_speedup(rate, drafted, cost, verification))
    return geometric_t(ratios, unit="times")


def eight_over_fastest_one(passes: pd.DataFrame, layout: str) -> Estimate:
    """A pass over eight tokens over the fastest pass over one of any layout, with Student's t over processes.

    Args:
        passes: trials of `time_passes` with columns `seed`, the process, and `layout`.
    """
    table = passes.pivot(index="seed", columns="layout", values="passes")
    ones = table.map(lambda milliseconds: milliseconds[0]).min(axis=1)
    eights = table[layout].map(lambda milliseconds: milliseconds[8 - 1])
    return geometric_t(list(eights / ones), unit="times")


def by_drafted(swept: pd.DataFrame, cost: float, verified: Sequence[float]) -> pd.DataFrame:
    """Measured speed-ups beside both formulas at the same acceptance, a row per number of drafted tokens.

    Where nothing was tested, the acceptance and what follows from it are `NOTHING`, and `note` says why.

    Args:
        swept: trials of `time_decoding` with their configuration.
        cost: of a draft's step over a plain one.
        verified: cost of a verification of 1, 2, ... tokens over a plain step.
    """
    rows = []
    for row in swept.to_dict("records"):
        g, gain, why = int(row["drafted"]), speedup(row), untested(pd.DataFrame([row]), int(row["drafted"]))
        measured = {"drafted": g, "speed-up": gain.value, "low": gain.low, "high": gain.high}
        told = dict.fromkeys(TOLD, NOTHING) if why else _told(row, g, cost, verified[g])
        rows.append({**measured, **told, "note": why})
    return pd.DataFrame(rows)


TOLD = ("v measured", "v = 1", "accepted", "tokens", "closed form")


def _told(row: Row, drafted: int, cost: float, verified: float) -> dict[str, float]:
    """What the acceptance says: both formulas, itself, and tokens per verification beside the closed form."""
    rate = acceptance(row).value
    told = (
        predicted_speedup(rate, drafted, cost, verified),
        predicted_speedup(rate, drafted, cost),
        rate,
        tokens_per_verification(row).value,
        expected_tokens(rate, drafted),
    )
    return dict(zip(TOLD, told, strict=True))


def by_batch(batched: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """The table of `by_drafted`, a row per number of sequences decoded together, at the costs of a batch of as many."""
    by_size = costs.set_index("batch")
    parts = []
    for row in batched.to_dict("records"):
        batch = by_size.loc[row["batch"]]
        parts.append(
            by_drafted(pd.DataFrame([row]), batch["cost"], batch["verified"]).assign(together=int(row["batch"]))
        )
    return pd.concat(parts, ignore_index=True)


def crossover(batched: pd.DataFrame) -> str:
    """The least number of sequences tried at which a draft no longer pays, in words."""
    gone = batched.loc[batched["speed-up"] <= 1, "together"]
    tried = ", ".join(str(count) for count in batched["together"])
    return f"{gone.min()} (of {tried})" if len(gone) else f"none of those tried ({tried})"


def by_decoder(names: Sequence[str], sweeps: Sequence[pd.DataFrame], length: int) -> pd.DataFrame:
    """Milliseconds per token without and with a draft, and the speed-up with its interval, a row per decoder.

    Over few prompts the interval is Student's, of the ratios prompt by prompt.

    Args:
        names: of the trials of all sweeps, one after the other.
        length: tokens of an answer.
    """
    lines = []
    rows: list[Row] = [dict(row.dropna()) for swept in sweeps for _, row in swept.iterrows()]
    for name, row in zip(names, rows, strict=True):
        ratios = [plain / drafted for plain, drafted in zip(*_lists(row, "plain", "speculative"), strict=True)]
        gain = speedup(row) if len(ratios) >= FEWEST_ITEMS else geometric_t(ratios, unit="times")
        per = 1000 / (length * len(ratios))
        idle = "tested" in row and not sum(row["tested"])
        lines.append(
            {
                "label": name,
                "accepted": sum(row["accepted"]) / tested if (tested := sum(row.get("tested", []))) else NOTHING,
                "ms a token without": per * sum(row["plain"]),
                "with": per * sum(row["speculative"]),
                "value": gain.value,
                "low": gain.low,
                "high": gain.high,
                "note": " (nothing tested)" if idle else "",
            }
        )
    return pd.DataFrame(lines)


def _lists(row: Row, *names: str) -> list[Sequence[float]]:
    return [row[name] for name in names]
