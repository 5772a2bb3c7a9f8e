"""Weights, gradients and optimiser states against bytes that torch allocates; sharding by closed forms."""

import copy

import pytest
import torch
from built_models import TINY, build, tokens

from repro.sizing.families import architecture
from repro.sizing.memory.states import RECIPES, adapter_bytes, bubble_share, full_bytes, recipe, sharded_bytes, shares
from repro.sizing.models.parameters import count_parameters


def _bytes(tensors):
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def _trained(model):
    """The model after one step of AdamW, with its optimiser's moments (the step counter is 4 bytes a tensor)."""
    optimiser = torch.optim.AdamW(model.parameters())
    model(**tokens(model, 2, 6)).logits.float().sum().backward()
    optimiser.step()
    return [state[name] for state in optimiser.state.values() for name in ("exp_avg", "exp_avg_sq")]


@pytest.mark.parametrize(("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen3_moe"])
def test_a_step_of_adamw_allocates_the_recipes_bytes(family, name, dtype):
    """Weights, gradients and two moments, a tied table once."""
    model = build(TINY[family], device="cpu").to(dtype)
    moments = _trained(model)
    parameters = list(model.parameters())
    count = count_parameters(architecture(TINY[family])).total
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]

    assert RECIPES[name].weights * count == _bytes(parameters)
    assert RECIPES[name].gradients * count == _bytes(gradients)
    assert RECIPES[name].optimiser * count == _bytes(moments)


def test_mixed_precision_keeps_a_master_copy():
    """16 bytes a parameter: bf16 weights and gradients beside an fp32 copy with its moments."""
    model = build(TINY["llama"], device="cpu")
    half, moments = copy.deepcopy(model).to(torch.bfloat16), _trained(model)
    half(**tokens(half, 2, 6)).logits.sum().backward()
    kept = [*half.parameters(), *(parameter.grad for parameter in half.parameters()), *model.parameters(), *moments]

    assert full_bytes(count_parameters(architecture(TINY["llama"])).total) == _bytes(kept)


def test_zero_shards_more_with_each_stage():
    """Rajbhandari et al. 2019, figure 1: 7.5 B parameters on 64 ranks take 120, 31.4, 16.6 and 1.9 GB."""
    found = [sharded_bytes(7.5e9, data=64, stage=stage) / 1e9 for stage in range(4)]

    assert [120, 31.4, 16.6, 1.9] == pytest.approx(found, abs=0.05)


def test_all_ranks_together_hold_at_least_one_copy_and_stage_three_exactly_one():
    """Sharding conserves."""
    whole = full_bytes(1e9)

    assert whole == 8 * sharded_bytes(1e9, data=8, stage=3) == 8 * sharded_bytes(1e9, tensor=2, pipeline=4)
    assert 8 * whole == 8 * sharded_bytes(1e9, data=8)


def test_qlora_holds_65_billion_weights_where_full_tuning_needs_780_gb():
    """Dettmers et al. 2023, section 1."""
    assert 780e9 == full_bytes(65e9, recipe("no-master"))
    assert 33.5e9 == pytest.approx(adapter_bytes(65e9, 0, frozen_bits=4.127), rel=1e-3)


def test_a_pipeline_of_four_idles_three_sevenths_with_four_microbatches():
    """Huang et al. 2018, section 2.3: (p - 1) / (m + p - 1), counted out on the schedule."""
    stages, microbatches = 4, 4
    busy = {(stage, stage + batch) for stage in range(stages) for batch in range(microbatches)}
    slots = stages * (1 + max(time for _, time in busy))

    assert 1 - len(busy) / slots == pytest.approx(bubble_share(stages, microbatches)) == pytest.approx(3 / 7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shares(8, 4), r"stage is 4; ZeRO has 0 .* 1, 2 and 3"),
        (lambda: shares(0, 1), "0 ranks; expected at least 1"),
        (lambda: sharded_bytes(1, tensor=0), "tensor=0, pipeline=1; each must be at least 1"),
        (lambda: recipe("fp7"), "no training recipe is named 'fp7'; known are mixed, fp32"),
    ],
)
def test_impossible_plans_are_refused(call, message):
    """With what was got and what is expected."""
    with pytest.raises(ValueError, match=message):
        call()
