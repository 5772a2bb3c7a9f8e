"""Which column of a reader's file holds which quantity, by the names that people use.

Legend: N parameters, D training tokens, C floating-point operations, loss in nats per token.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from repro.corpora.tables.names import asked, listed, near, plain
from repro.corpora.tables.sheets import Sheet
from repro.corpora.tables.unpacking import BadSheet

WITH, WITHOUT, ACTIVE, UNSTATED = "with embeddings", "without embeddings", "active parameters", "unstated"
_TOTAL = (
    *("total_params", "params_total", "params_with_embedding", "params_with_embeddings", "total_parameters"),
    *("num_total_params", "n_total_params", "n_params_total", "total_num_params", "parameters_total", "n_total"),
)
_NON_EMBEDDING = (
    *("non_embedding_params", "params_non_embedding", "params_no_embed", "params_nonemb", "n_non_embedding"),
    *("non_embedding_parameters", "nonembedding_params", "nonembedding_parameters", "num_non_embedding_params"),
    *("n_non_embedding_params", "non_emb_params", "nonemb_params", "n_params_non_embedding", "params_noembed"),
    *("non_embed_params", "num_params_non_embedding", "parameters_non_embedding", "params_without_embedding"),
    *("params_without_embeddings", "n_nonemb", "n_no_embed", "num_non_embedding_parameters"),
)
_ACTIVE = (
    *("active_params", "active_parameters", "activated_params", "activated_parameters", "params_active"),
    *("n_active", "active_n", "n_active_params", "num_active_params", "num_active_parameters", "parameters_active"),
    *("n_activated", "num_activated_params", "n_params_active", "num_params_active"),
)
# Of two columns of one quantity the one whose name stands in the earlier group is read; within a group, neither.
COLUMNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "N": (
        _ACTIVE,
        (
            *("n", "params", "parameters", "model_size", "n_params", "num_params", "model_params"),
            *(*_TOTAL, *_NON_EMBEDDING),
            *("num_parameters", "n_parameters", "nparams", "numparams", "parameter_count", "param_count"),
            *("params_count", "parameters_count", "number_of_parameters", "number_of_params", "model_parameters"),
            *("trainable_params", "trainable_parameters", "num_model_params", "model_param_count", "size_params"),
        ),
    ),
    "D": (
        ("d", "tokens", "n_tokens", "train_tokens", "training_tokens", "num_tokens"),
        (
            *("total_tokens", "tokens_seen", "num_input_tokens_seen", "token_num", "tokens_processed", "ntokens"),
            *("token_count", "tokens_total", "total_train_tokens", "total_training_tokens", "num_train_tokens"),
            *("num_training_tokens", "n_train_tokens", "n_training_tokens", "number_of_tokens", "consumed_tokens"),
            *("tokens_consumed", "seen_tokens", "num_tokens_seen", "n_tokens_seen", "tokens_trained", "num_d"),
            *("trained_tokens", "input_tokens", "train_tokens_seen", "tokens_trained_on", "total_tokens_seen"),
            *("processed_tokens", "pretraining_tokens", "pretrain_tokens", "num_tokens_processed", "data_tokens"),
        ),
    ),
    "C": (
        ("c", "flops", "flop", "compute", "training_flop", "training_flops", "train_flops", "total_flops"),
        (
            *("train_flop", "total_flop", "total_flos", "train_flos", "flos", "training_compute", "train_compute"),
            *("total_compute", "compute_flop", "compute_flops", "training_compute_flop", "training_compute_flops"),
            *("flops_total", "num_flops", "n_flops", "model_flops", "pretraining_flops", "pretraining_compute"),
            *("train_compute_flops", "total_training_flops", "total_train_flops", "flop_count", "flops_count"),
        ),
        ("compute_budget", "budget", "flop_budget", "flops_budget", "training_budget", "isoflop", "isoflop_budget"),
    ),
    "loss": (
        ("loss", "val_loss", "final_loss", "eval_loss", "validation_loss", "test_loss"),
        (
            *("valid_loss", "final_val_loss", "final_valid_loss", "final_validation_loss", "final_eval_loss"),
            *("final_test_loss", "heldout_loss", "held_out_loss", "best_val_loss", "loss_val", "loss_eval"),
            *("loss_final", "dev_loss", "val_loss_final", "val_nll", "eval_nll", "lm_loss", "val_lm_loss"),
            *("validation_loss_final", "val_cross_entropy", "val_ce", "val_ce_loss", "val_xent"),
        ),
        ("nll", "cross_entropy", "cross_entropy_loss", "ce_loss", "xent", "ce", "crossentropyloss", "nll_loss"),
        ("train_loss", "training_loss", "final_train_loss", "final_training_loss", "loss_train", "pretraining_loss"),
    ),
    "unique_tokens": (("unique_tokens", "n_unique_tokens", "dataset_tokens", "num_unique_tokens"),),
    "epochs": (("epochs", "n_epochs", "num_epochs", "repetitions"),),
    "counting": (("counting", "params_counting", "counting_convention"),),
}
_PLACE = {
    name: (quantity, tier) for quantity, tiers in COLUMNS.items() for tier, names in enumerate(tiers) for name in names
}

PETAFLOP_DAY = 8.64e19  # 1e15 operations per second for a day
_THOUSANDS = {
    1e3: "thousands|thousand|k",
    1e6: "millions|million|mio|mm|m",
    1e9: "billions|billion|bn|b|g",
    1e12: "trillions|trillion|tn|t",
}
_OPERATIONS = {
    1e9: "gigaflops?|gflops?",
    1e12: "teraflops?|tflops?",
    1e15: "petaflops?|pflops?",
    1e18: "exaflops?|eflops?",
    1e21: "zettaflops?|zflops?",
    PETAFLOP_DAY: "pf_?days?|pfs_days?|pfd|peta_?flops?(?:_s)?_days?|pflops?(?:_s)?_days?",
}


BITS = math.log(2)  # nats


class BadRuns(BadSheet):
    """A file of runs that cannot be read, or cannot tell a law; the message names rows, columns and the reason."""


@dataclass(frozen=True)
class Column:
    """One column that is read: its place in the header, its name, and what a bare number in it counts (1, 1e6, ...)."""

    place: int
    name: str
    unit: float = 1.0


def find_columns(sheet: Sheet) -> dict[str, Column]:
    """The column of each quantity that the header names.

    Raises:
        BadRuns: no loss, fewer than two of N, D, C, or two columns of which either could be the one.
    """
    grouped: dict[str, dict[int, list[Column]]] = {}
    for place, name in enumerate(sheet.header):
        found, unit = _parted(name)
        if found in _PLACE:
            quantity, tier = _PLACE[found]
            grouped.setdefault(quantity, {}).setdefault(tier, []).append(Column(place, name, unit))
    columns = {quantity: _only(quantity, tiers[min(tiers)]) for quantity, tiers in grouped.items()}
    if lacking := _lacking(set(columns)):
        raise BadRuns(_what_lacks(sheet, columns, lacking))
    return columns


def names_runs(header: list[str]) -> bool:
    """Whether a header has columns of training runs: a loss, and two of N, D, C."""
    return not _lacking({_PLACE[found][0] for found, _ in map(_parted, header) if found in _PLACE})


def _lacking(found: set[str]) -> list[str]:
    """Quantities without which there are no runs, those of N, D, C where fewer than two are there."""
    sizes = [quantity for quantity in ("N", "D", "C") if quantity not in found]
    return [*(["loss"] if "loss" not in found else []), *(sizes if len(sizes) > 1 else [])]


def _only(quantity: str, candidates: list[Column]) -> Column:
    if len(candidates) > 1:
        first, second = candidates[0].name, candidates[1].name
        if first == second:
            raise BadRuns(f"row 1 names {first!r} more than once; every column needs its name")
        raise BadRuns(f"columns {first!r} and {second!r} both look like {quantity}; rename one")
    return candidates[0]


def convention_of(name: str) -> str:
    """What N counts, as far as its column's name tells."""
    found, _ = _parted(name)
    for names, convention in ((_NON_EMBEDDING, WITHOUT), (_TOTAL, WITH), (_ACTIVE, ACTIVE)):
        if found in names:
            return convention
    return UNSTATED


def _parted(name: str) -> tuple[str, float]:
    """A known name and its unit: `params (M)` is params in millions, `compute_pf_days` compute in petaflop days."""
    whole = plain(name)
    if whole in _PLACE:
        return whole, 1.0
    for unit, spellings in _OPERATIONS.items():
        match = re.fullmatch(rf"(?:(\w+?)_)?(?:in_)?(?:{spellings})", whole)
        # `tflops` alone is a speed as often as an amount; a petaflop day can only be an amount
        found = (match[1] or ("c" if unit == PETAFLOP_DAY else "")) if match else ""
        if found in _PLACE and _PLACE[found][0] == "C":
            return found, unit
    for unit, spellings in _THOUSANDS.items():
        match = re.fullmatch(rf"(\w+?)_(?:in_)?(?:{spellings})", whole)
        if match and _PLACE.get(match[1], ("",))[0] in ("N", "D", "unique_tokens"):
            return match[1], unit
    if match := re.fullmatch(r"(?:(\w+?)_)?(?:in_)?bits(_per_token)?", whole):
        named = match[1] or ("nll" if match[2] else "")  # beside a loss in nats it is not read
        if _PLACE.get(named, ("",))[0] == "loss":
            return named, BITS
    # `tokens (count)`, `training compute (FLOP)`, `loss (nats)`: the unit is the one that is expected
    bare = re.sub(r"_(?:in_)?(?:count|counts|flops?|nats|nats_per_token|params|parameters|tokens)$", "", whole)
    return (bare if bare in _PLACE else whole), 1.0


def _what_lacks(sheet: Sheet, columns: dict[str, Column], lacking: list[str]) -> str:
    """What is needed, what the file has, what would be read, and the names that would do if one is renamed."""
    got = ", ".join(f"{columns[name].name!r} as {name}" for name in ("N", "D", "C") if name in columns)
    needed = [
        *(["no column of the loss"] if "loss" in lacking else []),
        *([f"two of N, D, C are needed, got {got or 'none'}"] if lacking != ["loss"] else []),
    ]
    expected = "; ".join(
        f"{quantity} is read from {', '.join(COLUMNS[quantity][0 if quantity != 'N' else 1][:8])}"
        for quantity in lacking
    )
    other = [
        f". {name!r} is {what}: give {instead} in a column 'loss'"
        for name in sheet.header
        for pattern, (what, instead) in _NO_LOSSES.items()
        if "loss" in lacking and re.search(pattern, plain(name))
    ]
    hints = asked(sheet.header, {} if other else _renamings(sheet, columns, lacking))
    return f"{' and '.join(needed)}; the file has {listed(sheet.header)}. {expected}{''.join(other[:1])}{hints}"


_NO_LOSSES = {
    r"(^|_)(ppl|perplexity)(_|$)": ("a perplexity", "its natural logarithm"),
    r"(^|_)(bpb|bits_per_byte)(_|$)": ("in bits per byte", "it times ln 2 and the bytes of a token"),
    r"(^|_)(bpc|bits_per_char\w*)(_|$)": ("in bits per character", "it times ln 2 and the characters of a token"),
}
# what such a name says is no count and no loss, however near the rest of it is
_OTHERWISE = re.compile(
    r"(^|_)(per|ratio|rate|lr|batch|step|steps|layer|layers|std|stderr|err|error|acc|accuracy|fn|type|name|weight|x|"
    r"ppl|perplexity|bpb|bpc|id|dir|path|file|date|time|gpu|gpus|s|sec|seconds|hours)(_|$)"
)


def _renamings(sheet: Sheet, columns: dict[str, Column], lacking: list[str]) -> dict[int, str]:
    """Names by place that would make the table one of runs; none where renaming would end in another refusal."""
    used = {column.place for column in columns.values()}
    free = {
        place: name
        for place, name in enumerate(sheet.header)
        if place not in used and _parted(name)[0] not in _PLACE and not _OTHERWISE.search(plain(name))
        if all(text.strip()[:1].isdigit() for text in sheet.cells[place])
    }
    renamings = near(free, {spelling: of for spelling, (of, _) in _PLACE.items() if of in lacking})
    found = {*columns, *(_PLACE[spelling][0] for spelling in renamings.values())}
    return {} if _lacking(found) else renamings
