"""Columns are found under the names that people give them, and hints never lead astray."""

import pytest

from repro.fits.runs.columns import ACTIVE, UNSTATED, WITH, WITHOUT, convention_of, find_columns
from repro.fits.runs.sheets import BadRuns

SIZES = "N|params|num_parameters|parameter_count|nparams|nParams|Model Size|# params|non-embedding parameters"
TOKENS = "D|tokens|total_tokens|Tokens Seen|num_input_tokens_seen|token_num|tokens_processed|trainTokens|n_tokens"
COMPUTE = "C|FLOPs|compute_budget|budget|train_compute|total_flos|Training compute (FLOP)|TotalFLOPs|training_flops"
LOSSES = "loss|valid_loss|final_val_loss|val/loss|eval-loss|Validation Loss|testLoss|train_loss|cross entropy (nats)"


@pytest.mark.parametrize(("size", "tokens"), [*zip(SIZES.split("|"), TOKENS.split("|"), strict=True)])
def test_sizes_and_tokens_in_the_wild(size, tokens):
    columns = find_columns([tokens, "step", size, "loss"])

    assert {"D": 0, "N": 2, "loss": 3} == {quantity: column.place for quantity, column in columns.items()}


@pytest.mark.parametrize(("compute", "loss"), [*zip(COMPUTE.split("|"), LOSSES.split("|"), strict=True)])
def test_compute_and_losses_in_the_wild(compute, loss):
    columns = find_columns(["run", compute, "params", loss])

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
        ("tokens", "D", 1),
    ],
)
def test_a_unit_in_the_name_is_taken_at_its_word(name, quantity, unit):
    others = {"N": "params", "D": "tokens", "C": "flops"}
    others.pop(quantity)

    assert unit == find_columns([name, *others.values(), "loss"])[quantity].unit


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
    assert expected == find_columns(header)[quantity].name


@pytest.mark.parametrize("header", ["params non_embedding_params D loss", "N D val_loss test_loss", "N C flops loss"])
def test_two_columns_that_could_both_be_meant_are_asked_for(header):
    with pytest.raises(BadRuns, match="both look like"):
        find_columns(header.split())


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
        find_columns(header)
    assert str(caught.value).endswith(f"Near: {hint}")


@pytest.mark.parametrize(
    "header", ["N,loss", "total_params,val_loss", "training tokens,loss", "params,unique_tokens,loss"]
)
def test_no_hint_offers_what_is_read_or_means_something_else(header):
    """Renaming the loss to flops, or tokens to training_flops, would end in nonsense."""
    with pytest.raises(BadRuns, match="two of N, D, C are needed") as caught:
        find_columns(header.split(","))
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    "expected, name",
    [(UNSTATED, "N"), (WITH, "total_params"), (WITHOUT, "non-embedding params"), (ACTIVE, "activated_params")],
)
def test_what_n_counts_by_the_name_of_its_column(expected, name):
    assert expected == convention_of(name)
