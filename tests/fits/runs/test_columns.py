"""Columns are found under the names that people give them, and hints never lead astray."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repro.corpora.tables.sheets import Sheet
from repro.fits.runs.columns import ACTIVE, UNSTATED, WITH, WITHOUT, BadRuns, convention_of, find_columns

SIZES = "N|params|num_parameters|parameter_count|nparams|nParams|Model Size|# params|non-embedding parameters"
TOKENS = "D|tokens|total_tokens|Tokens Seen|num_input_tokens_seen|token_num|tokens_processed|trainTokens|n_tokens"
COMPUTE = "C|FLOPs|compute_budget|budget|train_compute|total_flos|Training compute (FLOP)|TotalFLOPs|training_flops"
LOSSES = "loss|valid_loss|final_val_loss|val/loss|eval-loss|Validation Loss|testLoss|train_loss|cross entropy (nats)"


def found(header):
    """The columns of a table with this header, of one row of numbers."""
    return find_columns(Sheet(header, [2], [["2.5e9"] for _ in header]))


@pytest.mark.parametrize(("size", "tokens"), [*zip(SIZES.split("|"), TOKENS.split("|"), strict=True)])
def test_sizes_and_tokens_in_the_wild(size, tokens):
    columns = found([tokens, "step", size, "loss"])

    assert {"D": 0, "N": 2, "loss": 3} == {quantity: column.place for quantity, column in columns.items()}


@pytest.mark.parametrize(("compute", "loss"), [*zip(COMPUTE.split("|"), LOSSES.split("|"), strict=True)])
def test_compute_and_losses_in_the_wild(compute, loss):
    columns = found(["run", compute, "params", loss])

    assert {"C": 1, "N": 2, "loss": 3} == {quantity: column.place for quantity, column in columns.items()}


@pytest.mark.parametrize(
    "name, quantity, unit",
    [
        ("params (M)", "N", 1e6),
        ("params_in_billions", "N", 1e9),
        ("N (millions)", "N", 1e6),
        ("tokens_b", "D", 1e9),
        ("Training Tokens [T]", "D", 1e12),
        ("compute_pf_days", "C", 8.64e19),
        ("PF-days", "C", 8.64e19),
        ("compute (PFLOP/s-days)", "C", 8.64e19),
        ("training compute (EFLOP)", "C", 1e18),
        ("val_loss (bits)", "loss", np.log(2)),
        ("bits_per_token", "loss", np.log(2)),
        ("tokens", "D", 1),
    ],
)
def test_a_unit_in_the_name_is_taken_at_its_word(name, quantity, unit):
    others = {"N": "params", "D": "tokens", "C": "flops", "loss": "loss"}
    others.pop(quantity)

    assert unit == found([name, *others.values()])[quantity].unit


@pytest.mark.parametrize(
    "header, quantity, expected",
    [
        (["params", "active_params", "tokens", "loss"], "N", "active_params"),
        (["params", "tokens", "train_loss", "val_loss"], "loss", "val_loss"),
        (["params", "budget", "flops", "loss"], "C", "flops"),
        (["params", "total_tokens", "tokens", "loss"], "D", "tokens"),
    ],
)
def test_of_two_names_the_plainer_is_read(header, quantity, expected):
    """Active parameters before total, held-out loss before training loss, compute spent before compute planned."""
    assert expected == found(header)[quantity].name


@pytest.mark.parametrize("header", ["params non_embedding_params D loss", "N D val_loss test_loss", "N C flops loss"])
def test_two_columns_that_could_both_be_meant_are_asked_for(header):
    with pytest.raises(BadRuns, match="both look like"):
        found(header.split())


@pytest.mark.parametrize(
    "header, hint",
    [
        (["N", "tokns", "loss"], "'tokns' (did you mean 'tokens'?)"),
        (["parms", "D", "loss"], "'parms' (did you mean 'params'?)"),
        (["N", "D", "vall_loss"], "'vall_loss' (did you mean 'val_loss'?)"),
    ],
)
def test_a_misspelled_name_is_hinted_at(header, hint):
    with pytest.raises(BadRuns) as caught:
        found(header)
    assert str(caught.value).endswith(f"Near: {hint}")


@pytest.mark.parametrize(
    "header", ["N,loss", "total_params,val_loss", "training tokens,loss", "params,unique_tokens,loss"]
)
def test_no_hint_offers_what_is_read_or_means_something_else(header):
    """Renaming the loss to flops, or tokens to training_flops, would end in nonsense."""
    with pytest.raises(BadRuns, match="two of N, D, C are needed") as caught:
        found(header.split(","))
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("val_ppl", "'val_ppl' is a perplexity: give its natural logarithm in a column 'loss'"),
        ("bpb", "'bpb' is in bits per byte"),
        ("bits per character", "'bits per character' is in bits per character"),
    ],
)
def test_what_is_no_loss_in_nats_is_said_to_be_so(name, reason):
    """And no hint renames it to one."""
    with pytest.raises(BadRuns, match=reason) as caught:
        found(["N", "D", name])
    assert "did you mean" not in str(caught.value)


WORDS = st.sampled_from(
    [
        *["parms", "tokns", "los", "flps", "vall_loss", "n_paramss", "traning_flops", "toke", "loss_fn"],
        *["batch_tokens", "val_ppl", "lr", "tokens", "params", "loss", "N", "D", "C"],
    ]
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(WORDS, min_size=2, max_size=6), st.booleans())
@example(["parms", "parms", "tokns", "los"], True)
def test_a_hint_that_is_followed_ends_in_runs(header, numbers):
    """Never in another refusal, and no column is offered that is read, that two would be, or that holds words."""
    sheet = Sheet(header, [2], [["2.5e9" if numbers else "x"] for _ in header])
    try:
        find_columns(sheet)
    except BadRuns as error:
        hints = dict(re.findall(r"'([^']*)' \(did you mean '([^']*)'\?\)", str(error)))
        assert numbers or not hints
        if hints:
            assert {"loss"} < set(find_columns(Sheet([hints.get(name, name) for name in header], [2], sheet.cells)))


@pytest.mark.parametrize(
    "expected, name",
    [(UNSTATED, "N"), (WITH, "total_params"), (WITHOUT, "non-embedding params"), (ACTIVE, "activated_params")],
)
def test_what_n_counts_by_the_name_of_its_column(expected, name):
    assert expected == convention_of(name)
