"""Which column of a reader's table of scores holds what, and which way each metric points.

Legend: C floating-point operations of pre-training.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from repro.corpora.tables.names import asked, listed, near, plain
from repro.corpora.tables.sheets import Sheet
from repro.corpora.tables.unpacking import BadSheet

NEEDED = ("task", "metric", "compute", "score")
NAMES: dict[str, tuple[str, ...]] = {
    "task": ("task", "task_name", "benchmark", "benchmark_name", "eval", "dataset"),
    "metric": ("metric", "metric_name", "measure"),
    "compute": (
        *("compute", "flop", "flops", "c", "training_flop", "training_flops", "train_flop", "train_flops"),
        *("total_flop", "total_flops", "training_compute", "train_compute", "compute_flop", "compute_flops"),
        *("training_compute_flop", "pretraining_flops", "pretraining_compute"),
    ),
    "score": ("score", "scores", "value", "metric_value", "result"),
    "better": ("better", "direction", "higher_is_better", "larger_is_better", "bigger_is_better"),
}
_MEANING = {spelling: meaning for meaning, spellings in NAMES.items() for spelling in spellings}

LARGER, SMALLER = 1, -1
_STATED = {
    **dict.fromkeys(("larger", "higher", "up", "true", "yes", "1", "max", "maximize", "greater", "bigger"), LARGER),
    **dict.fromkeys(("smaller", "lower", "down", "false", "no", "0", "min", "minimize", "less"), SMALLER),
    **dict.fromkeys(("larger_is_better", "higher_is_better"), LARGER),
    **dict.fromkeys(("smaller_is_better", "lower_is_better"), SMALLER),
}
_FALLS = re.compile(
    r"(^|_)(brier|loss|losses|perplexity|ppl|error|errors|err|wer|cer|ter|nll|neg_log_likelihood|xent|ce|entropy|"
    r"negative_log_likelihood|bits_per_\w+|bpb|bpc|bpt|mse|rmse|mae|ece|edit_distance|levenshtein|hamming|distance|"
    r"toxicity|harm\w*|bias\w*|hallucination_rate|failure_rate|miss_rate|regret|divergence|kl|fid)(_|$)"
)
_RISES = re.compile(
    r"(^|_)(acc|accuracy|f1|bleu|sacrebleu|rouge\w*|meteor|chrf|chrfpp|em|exact_match|exactmatch|pass_\d+|pass|correct|"
    r"precision|recall|auc|auroc|auprc|mcc|matthews\w*|win_rate|winrate|success|success_rate|solve_rate|solved|likelihood|"
    r"log_likelihood|loglikelihood|logprob|log_prob|log_probability|logprobs|prob|probability|probabilities|"
    r"multiple_choice_grade|normalized_aggregate_score|aggregate_score|spearman|pearson|kendall|correlation|r2|elo|"
    r"bertscore|map|ndcg|mrr|coverage|reward|score|similarity|agreement|hits_\d+|mc1|mc2|grade|points)(_|$)"
)
_TURNED = re.compile(r"(^|_)(minus|neg|negative|negated|inverse|inverted|stderr|stdev|std|se)(_|$)")
_SHARES = re.compile(r"(^|_)(acc|accuracy|em|exact_match|exactmatch|pass_\d+|correct|f1|success_rate|win_rate)(_|$)")


def find_columns(sheet: Sheet) -> dict[str, int]:
    """The place of each column that is read: task, metric, compute, score and, where it is there, better.

    Raises:
        BadSheet: one of the first four is lacking, or two columns could be it.
    """
    columns: dict[str, int] = {}
    for place, name in enumerate(sheet.header):
        meaning = _MEANING.get(_bare(name), "")
        if meaning in columns:
            first = sheet.header[columns[meaning]]
            raise BadSheet(f"columns {first!r} and {name!r} both look like the {meaning}; rename one")
        if meaning:
            columns[meaning] = place
    if lacking := [name for name in NEEDED if name not in columns]:
        free = {place: name for place, name in enumerate(sheet.header) if place not in columns.values()}
        renamings = near(free, {spelling: of for spelling, of in _MEANING.items() if of in lacking})
        hints = asked(sheet.header, renamings) if len(renamings) == len(lacking) else ""
        raise BadSheet(f"no column of {_and(lacking)}; the file has {listed(sheet.header)}{hints}")
    return columns


def names_scores(header: list[str]) -> bool:
    """Whether a header has the four columns of a table of scores."""
    return set(NEEDED) <= {_MEANING.get(_bare(name)) for name in header}


def _bare(name: str) -> str:
    """`Training compute (FLOP)` is training_compute: FLOP is the unit that is expected."""
    return re.sub(r"(?<=.)_(?:in_)?flops?$", "", plain(name)) if plain(name) not in _MEANING else plain(name)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def stated_direction(text: str) -> int | None:
    """LARGER or SMALLER, as a cell says which score is better; None where it says neither."""
    return _STATED.get(plain(text))


def known_direction(metric: str) -> int | None:
    """LARGER or SMALLER by a metric's name; None where it tells neither, or both."""
    name = plain(metric)
    rest = _FALLS.sub("_", name)
    if _TURNED.search(rest):
        return None
    if rest != name:
        return None if _RISES.search(rest) else SMALLER
    return LARGER if _RISES.search(name) else None


def is_logarithm(metric: str) -> bool:
    """Whether a metric is the logarithm of a probability, so that its scores are not above 0."""
    return bool(re.search(r"(^|_)log_?(prob|likelihood)", plain(metric)))


def is_share(metric: str) -> bool:
    """Whether a metric's scores are shares of something, between 0 and 1 or in percent."""
    return bool(_SHARES.search(plain(metric))) and not _FALLS.search(plain(metric))
