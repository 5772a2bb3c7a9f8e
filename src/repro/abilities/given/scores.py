"""A reader's own scores: read from any usual table, turned so that larger is better, or refused by row or metric.

Legend: C floating-point operations of pre-training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from repro.abilities.given.columns import (
    LARGER,
    NEEDED,
    SMALLER,
    find_columns,
    is_logarithm,
    is_share,
    known_direction,
    names_scores,
    stated_direction,
)
from repro.corpora.tables.numbers import decimal_comma, read_number
from repro.corpora.tables.sheets import Sheet, read_sheet
from repro.corpora.tables.unpacking import BadSheet, file_bytes, shown

LEAST_COMPUTE, MOST_COMPUTE = 1e10, 1e40  # FLOP; the least is less than a second of one processor
APART = 20.0  # factor between fractions and percents of one task that no score in between bridges
CLOSE = 1.5  # compute within this factor makes no range
NAMED = 8  # rows in one message
_EXPECTED = {
    "task": "a name",
    "metric": "a name",
    "compute": f"a positive number of FLOP, from {LEAST_COMPUTE:g} to {MOST_COMPUTE:g}",
    "score": "a finite number",
}


class BadScores(BadSheet):
    """A file of scores that cannot be read, or cannot be judged; the message names row, column or metric."""


@dataclass(frozen=True)
class OwnScores:
    """Scores of one file.

    frame: task, metric, compute, score (larger is better), one row per task, metric and compute, in the file's order.
    notes: what was done to them that a reader should know.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]


def read_scores(path: Path, *, fewest: int) -> OwnScores:
    """Read a table with the columns task, metric, compute (FLOP) and score, and perhaps which score is better.

    Exact copies count once; several scores of a task at one compute, such as seeds, count as one with their mean. Tasks
    that show no curve by a metric are left out of it.

    Args:
        fewest: scores at different compute that a curve needs.

    Raises:
        BadScores: no table, a column that is lacking, a row that is no score, a metric of which nobody says whether
            larger or smaller is better, scores of two scales, or a metric by which no task shows a curve.
    """
    try:
        sheet = read_sheet(file_bytes(path, "one score per row"), names_scores)
        columns = find_columns(sheet)
        if not sheet.rows:
            raise BadScores("the file has a header and no scores below it")
        frame = _checked(sheet, columns)
        notes: list[str] = []
        once = _once(frame, pd.DataFrame(dict(enumerate(sheet.cells)), index=frame.index), notes)
        turned = pd.concat([_turned(str(metric), part, notes) for metric, part in once.groupby("metric", sort=False)])
        means = _means(turned.sort_index(kind="stable"), notes)
        return OwnScores(_judged(means, fewest, notes), tuple(notes))
    except BadSheet as error:
        raise BadScores(f"{shown(path)}: {error}") from error


def _checked(sheet: Sheet, columns: dict[str, int]) -> pd.DataFrame:
    """task, metric, compute, score, better as the file has them; index: the row in the file."""
    texts = {name: [text.strip() for text in sheet.cells[place]] for name, place in columns.items()}
    comma = decimal_comma(texts["score"])
    frame = pd.DataFrame(
        {
            "task": _one_spelling(texts["task"]),
            "metric": _one_spelling(texts["metric"]),
            "compute": [read_number(text, comma=comma) for text in texts["compute"]],
            "score": [_score(text, comma) for text in texts["score"]],
            "percent": [text.endswith("%") for text in texts["score"]],
            "better": [stated_direction(text) or 0 for text in texts.get("better", [""] * len(sheet.rows))],
        },
        index=pd.Index(sheet.rows, name="row"),
    )
    good = {
        "task": frame["task"] != "",
        "metric": frame["metric"] != "",
        "compute": frame["compute"].between(LEAST_COMPUTE, MOST_COMPUTE),
        "score": pd.Series(np.isfinite(frame["score"]), index=frame.index),
    }
    if "better" in columns:
        good["better"] = frame["better"] != 0
    for place, row in enumerate(frame.index):
        for name in (name for name, fine in good.items() if not fine.iloc[place]):
            expected = _EXPECTED.get(name, "larger or smaller")
            got = f"row {row}, column {sheet.header[columns[name]]!r}: got {texts[name][place][:80]!r}"
            raise BadScores(f"{got}, expected {expected}; mend the row, or take it out")
    return frame


def _score(text: str, comma: bool) -> float:
    share = text.endswith("%")
    return read_number(text.removesuffix("%"), comma=comma, plain=True) / (100 if share else 1)


def _one_spelling(names: list[str]) -> list[str]:
    """Names that differ in case or blanks alone, as the first of them is spelled."""
    spelled: dict[str, str] = {}
    return [spelled.setdefault(" ".join(name.casefold().split()), name) for name in names]


def _once(frame: pd.DataFrame, cells: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    copied = pd.DataFrame({name: cells[name].str.strip() for name in cells}).duplicated()
    if copied.any():
        rows = frame.index[copied].tolist()
        notes.append(f"exact copies: {_rows(rows)}; each score counts once, so {len(frame) - len(rows)} remain")
    return frame.loc[~copied]


def _turned(metric: str, part: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The scores of one metric, of one scale and so that larger is better."""
    if is_share(metric):
        part = _shares(metric, part, notes)
    if _direction(metric, part, notes) == LARGER:
        return part
    return part.assign(score=-part["score"])


def _direction(metric: str, part: pd.DataFrame, notes: list[str]) -> int:
    stated = set(part["better"]) - {0}
    if len(stated) > 1:
        raise BadScores(f"metric {metric!r} is said to be better when larger in some rows and when smaller in others")
    if stated:
        return int(stated.pop())
    known, signs = known_direction(metric), set(np.sign(part["score"])) - {0.0}
    if known == SMALLER and signs == {-1.0}:
        notes.append(f"{metric!r} falls as models improve, and its scores are negative: taken as turned round already")
        return LARGER
    if (
        known is None
        or (known == SMALLER and len(signs) > 1)
        or (is_logarithm(metric) and known == LARGER and 1.0 in signs)
    ):
        why = "its name does not tell" if known is None else "the signs of its scores contradict its name"
        raise BadScores(
            f"metric {metric!r}: is a larger score better, or a smaller one? ({why}) Say so in a column `better` with "
            f"larger or smaller in every row; the metric's first row is row {part.index[0]}"
        )
    if known == SMALLER:
        notes.append(f"{metric!r} falls as models improve: it is judged by its negative, so that a gain is a fall")
    return known


def _shares(metric: str, part: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Scores of which each is a share, between 0 and 1 or in percent; one scale per task."""
    place = int(part["score"].to_numpy().argmax())
    if (most := float(part["score"].to_numpy()[place])) > 100:
        got = f"row {part.index[place]}: {metric!r} is {most:g}"
        raise BadScores(f"{got}; expected a share between 0 and 1, or a percentage up to 100")
    if (below := part.index[part["score"] < 0]).size:
        notes.append(
            f"{metric!r} is below 0 in {_rows(below.tolist())}, as a share above chance may be; taken as it is"
        )
    return pd.concat([_one_scale(str(task), scores) for task, scores in part.groupby("task", sort=False)])


def _one_scale(task: str, scores: pd.DataFrame) -> pd.DataFrame:
    values = scores["score"]
    above = values > 1
    if scores["percent"].any():  # what bears no sign is a percentage where it is more than 1
        return scores.assign(score=values.where(~above | scores["percent"], values / 100))
    small = (values > 0) & ~above
    if above.any() and small.any() and values[above].min() > APART * values[small].max():
        least, most = values[small].max(), values[above].min()
        first, second = (values.index[values == value][0] for value in (least, most))
        raise BadScores(
            f"task {task!r}: row {first} has {least:g} and row {second} has {most:g}, and no score "
            "lies between; are these fractions and percentages? Write % behind each percentage"
        )
    return scores


def _means(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """One score per task, metric and compute; compute that agrees to four digits is one."""
    keys = [frame["task"], frame["metric"], frame["compute"].map("{:.3e}".format)]
    groups = frame.groupby(keys, sort=False)
    sizes = groups.size()
    if (several := int((sizes > 1).sum())) > 0:
        notes.append(
            f"several scores of one task at one compute, such as seeds: {int(sizes[sizes > 1].sum())} scores in "
            f"{several} places, each of which counts as one score with their mean"
        )
    means = groups.agg({"task": "first", "metric": "first", "compute": "first", "score": "mean"})
    return means[list(NEEDED)].reset_index(drop=True)


def _judged(frame: pd.DataFrame, fewest: int, notes: list[str]) -> pd.DataFrame:
    """The tasks of each metric that show a curve."""
    keep = []
    for metric, part in frame.groupby("metric", sort=False):
        tasks = {str(task): scores for task, scores in part.groupby("task", sort=False)}
        reasons = {task: why for task, scores in tasks.items() if (why := _no_curve(scores, fewest))}
        first = next(iter(reasons), "")
        if len(reasons) == len(tasks):
            raise BadScores(f"metric {metric!r}: no task can be judged; {first!r} {reasons[first]}")
        if first:
            more = f" ({len(reasons)} tasks are left out)" if len(reasons) > 1 else ""
            notes.append(f"{metric!r} leaves out the task {first!r}, which {reasons[first]}{more}")
        keep += [scores for task, scores in tasks.items() if task not in reasons]
    return pd.concat(keep).sort_index()


def _no_curve(scores: pd.DataFrame, fewest: int) -> str:
    """Why a task's scores show no curve, empty where they do."""
    log_C = np.log10(scores["compute"].to_numpy())
    least, most = scores["compute"].min(), scores["compute"].max()
    early, late = (int(np.sum(side * (log_C - (log_C.min() + log_C.max()) / 2) < 0)) for side in (1, -1))
    if len(scores) == 1:
        return f"has all its scores at {least:.4g} FLOP; expected {fewest} or more at different compute"
    if most < CLOSE * least:
        return f"has all its scores between {least:.4g} and {most:.4g} FLOP; a curve takes models of different compute"
    if len(scores) < fewest:
        return f"has {len(scores)} scores at different compute; expected {fewest} or more"
    if scores["score"].nunique() == 1:
        return f"has the score {abs(scores['score'].iloc[0]):.4g} at every compute"
    if min(early, late) < 2:
        return f"has {early} scores in the lower half of the range of log compute and {late} in the upper; each takes 2"
    return ""


def _rows(rows: list[int]) -> str:
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{'rows' if len(rows) > 1 else 'row'} {', '.join(map(str, rows[:NAMED]))}{more}"
