"""Counted operations against torch's own counter, forward and backward, on tiny models of every kind."""

import pytest
import torch
from built_models import TINY, build, tokens
from peft import LoraConfig, get_peft_model
from torch.utils.flop_counter import FlopCounterMode

from repro.sizing.adapters import count_lora, linear_names
from repro.sizing.families import architecture
from repro.sizing.models.parameters import count_parameters
from repro.sizing.operations.flops import (
    adapter_step_flops,
    forward_flops,
    inference_flops,
    score_pairs,
    step_flops,
    training_flops,
)
from repro.sizing.published import published_model

BATCH, TIME = 2, 12


def _counted(model, run):
    """Operations of a run, the product of positions and frequencies left out: it depends on no weight."""
    with FlopCounterMode(display=False) as counter:
        run()
    counts = counter.get_flop_counts()
    rotary = sum(sum(kinds.values()) for module, kinds in counts.items() if module.endswith("rotary_emb"))
    return counter.get_total_flops() - rotary


def _backward(model, batch):
    output = model(**batch)
    (output.logits if "logits" in output else output.pooler_output).sum().backward()


@pytest.mark.parametrize("name", TINY)
def test_forward_and_backward_are_what_torch_counts(name):
    """Every product with a weight or between activations, exactly; backward is twice forward."""
    model = build(TINY[name], device="cpu")
    batch = tokens(model, BATCH, TIME)
    ours = forward_flops(architecture(TINY[name]), TIME, dense=True)

    assert BATCH * ours.total == _counted(model, lambda: model(**batch))
    assert BATCH * step_flops(ours) == _counted(model, lambda: _backward(model, batch))


@pytest.mark.parametrize("name", ["gpt2", "llama", "mixtral", "qwen3_moe"])
def test_a_decoding_step_is_what_torch_counts(name):
    """New tokens meet the cache: three of them after nine, every pair."""
    model = build(TINY[name], device="cpu")
    ids = tokens(model, BATCH, TIME)["input_ids"]
    with torch.no_grad():
        past = model(ids[:, :-3], use_cache=True).past_key_values
        measured = _counted(model, lambda: model(ids[:, -3:], past_key_values=past))

    assert BATCH * forward_flops(architecture(TINY[name]), 3, past=TIME - 3, dense=True).total == measured


# peft 0.21 asks `transformers` by an old name, and says that it turns GPT-2's transposed matrices round.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning")
@pytest.mark.parametrize(("name", "targets"), [("llama", "all-linear"), ("gpt2", ["c_attn", "c_proj", "c_fc"])])
def test_lora_saves_the_weight_gradients_of_frozen_matrices_and_nothing_else(name, targets):
    """A step of adapters is what torch counts: about 4 N a token where full tuning takes 6 N."""
    model = build(TINY[name], device="cpu")
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=targets, lora_dropout=0.0))
    adapted.enable_input_require_grads()
    batch = tokens(model, BATCH, TIME)
    described = architecture(TINY[name])
    ours = adapter_step_flops(
        forward_flops(described, TIME, dense=True), count_lora(described, 4, linear_names(described)), TIME
    )

    assert BATCH * ours == _counted(model, lambda: _backward(adapted, batch))


@pytest.mark.parametrize("window", [None, 1, 5, 40])
def test_pairs_are_the_entries_of_a_causal_mask(window):
    """Counted one by one: a query at position q meets the keys from q back to the window's edge."""
    past, new = 7, 13
    pairs = sum(key <= query and query - key < (window or 99) for query in range(past, past + new) for key in range(20))

    assert pairs == score_pairs(new, past, window=window)
    assert new * (past + new) == score_pairs(new, past, window=window, dense=True)


def test_generating_token_by_token_scores_what_one_pass_scores():
    """Pairs are counted once however the text is cut."""
    assert score_pairs(50, window=9) == sum(score_pairs(1, past, window=9) for past in range(50))


def test_short_contexts_cost_two_operations_a_parameter_and_long_ones_kaplans_second_term():
    """Kaplan et al. 2020, table 1: 2 N + 2 n_layer n_ctx d a token, embeddings left out."""
    model, context = published_model("llama-2-70b"), 4096
    inside = count_parameters(model).inside
    flops = forward_flops(model, context)

    assert inference_flops(inside, context) == pytest.approx(flops.total - flops.head - flops.scores, rel=1e-4)
    assert 2 * 80 * context * 8192 * context == pytest.approx(flops.scores, rel=1e-3)


def test_scores_of_gpt_have_the_closed_forms_share():
    """4 n^2 d of them against 24 n d^2 in a layer of 12 d^2 weights, masked pairs counted: n / (n + 6 d)."""
    flops = forward_flops(published_model("gpt3-175b"), 2048, dense=True)

    assert 2048 / (2048 + 6 * 12_288) == pytest.approx(flops.scores / (flops.total - flops.head))


def test_sharing_key_value_heads_saves_projections_and_no_scores():
    """Multi-query attention still scores every pair with every query head."""
    many, one = ({**TINY["llama"], "num_key_value_heads": heads} for heads in (6, 1))
    many, one = forward_flops(architecture(many), 32), forward_flops(architecture(one), 32)

    assert many.scores == one.scores
    assert many.projections > one.projections


def test_heads_of_a_fixed_width_cost_nothing():
    """With d_k = d / h neither parameters nor products depend on h (Vaswani et al. 2017, section 3.2.2)."""
    models = [architecture({**TINY["gpt2"], "n_head": heads}) for heads in (1, 2, 6, 48)]

    assert 1 == len({count_parameters(model).total for model in models})
    assert 1 == len({forward_flops(model, 32).total for model in models})


def test_training_gpt3_took_the_operations_of_its_paper():
    """Brown et al. 2020, table D.1: 3.14e23."""
    assert 3.14e23 == pytest.approx(training_flops(174.6e9, 300e9), rel=2e-3)


def test_a_decoder_has_no_source():
    """Nothing is ignored silently."""
    with pytest.raises(ValueError, match=r"llama-2-7b has no encoder.*leave it out"):
        forward_flops(published_model("llama-2-7b"), 10, source=5)
