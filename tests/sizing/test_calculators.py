"""The pages' calculators agree with the counts by configuration and refuse what has no meaning."""

import pytest

from repro.sizing import calculators
from repro.sizing.catalogue import describe
from repro.sizing.memory.activations import activation_bytes
from repro.sizing.memory.cache import cache_bytes, cached_numbers, longest_context
from repro.sizing.memory.precision import layer_weights, stored_bytes, weight_format
from repro.sizing.memory.states import RECIPES, sharded_bytes
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import published_model

LLAMA = {"layers": 80, "heads": 64, "kv_heads": 8, "head_width": 128}


@pytest.mark.parametrize("name", ["llama-2-70b", "gemma-2-27b", "deepseek-v3"])
def test_serving_memory_is_the_configurations_weights_and_cache(name):
    """Windows, latents and quantised layers included."""
    model, form = published_model(name), weight_format("int4")
    kept, total = cached_numbers(model), count_parameters(model).total
    found = calculators.inference_memory(
        parameters=total,
        weight_bits=form.bits,
        kept_in_16=total - layer_weights(model),
        cached=kept.full,
        windowed=kept.windowed,
        window=kept.window,
        width=model.width,
        hidden=1,
        vocabulary=model.vocabulary,
        context=10_000,
        batch=3,
        gpus=4,
    )

    assert stored_bytes(model, form) == pytest.approx(found["weights"])
    assert cache_bytes(model, 10_000, batch=3) == found["cache"]
    assert found["total"] == 4 * found["per_gpu"]


@pytest.mark.parametrize(("name", "tied"), [("llama-2-70b", False), ("llama-3.2-1b", True)])
def test_a_typed_configuration_counts_as_the_published_one(name, tied):
    """Every parameter, what quantisation shrinks, LoRA's at rank 1, and the cache."""
    known = describe(published_model(name))
    found = calculators.dense_decoder(**known["shape"])

    assert tied == known["shape"]["tied"]
    assert {part: known[part] for part in ("parameters", "quantised", "adapters", "cached")} == found


@pytest.mark.parametrize("recompute", ["none", "selective", "full"])
def test_activation_memory_is_that_of_the_configuration(recompute):
    """Plain numbers and a config.json give one figure."""
    model = published_model("llama-2-70b")
    found = calculators.activation_memory(
        **LLAMA, width=8192, hidden=28_672, gated=True, vocabulary=32_000, tokens=2048, batch=2, recompute=recompute
    )

    assert activation_bytes(model, 2048, batch=2, recompute=recompute) == found


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_training_memory_shards_as_zero_does(stage):
    """All states of one card, beside its own activations and runtime."""
    found = calculators.training_memory(
        parameters=7e9, trained=7e9, frozen_bits=4, recipe="mixed", activations=5e9, gpus=8, stage=stage
    )

    assert sharded_bytes(7e9, RECIPES["mixed"], data=8, stage=stage) + 6e9 == pytest.approx(found["per_gpu"])


def test_adapters_leave_a_frozen_base():
    """Half a byte a weight at 4 bits, and all states for the adapters."""
    found = calculators.training_memory(parameters=7e9, trained=4e7, frozen_bits=4, recipe="mixed", activations=0)

    assert 3.5e9 == found["frozen"]
    assert 16 * 4e7 == found["weights"] + found["gradients"] + found["optimiser"]


def test_a_cache_shows_its_size_its_rival_and_its_longest_context():
    """Llama-2-70B: 0.3125 MiB a token, an eighth of full heads."""
    found = calculators.kv_cache(**LLAMA, context=4096, batch=2, free_bytes=40e9)

    assert 0.3125 * 2**20 == found["per_token"]
    assert 8 == found["full_heads"] / found["total"]
    assert longest_context(published_model("llama-2-70b"), 40e9, batch=2) == found["longest"]


def test_gpt3_costs_4_7_million_dollars_at_28_teraflops_and_1_50_an_hour():
    """The arithmetic behind a figure of 2020: a V100 of 125 Tflop/s at 22.4 %."""
    found = calculators.training_cost(
        parameters=174.6e9, tokens=300e9, gpus=1024, peak_flops=125e12, utilisation=0.224, dollars_per_gpu_hour=1.5
    )

    assert 3.12e6 == pytest.approx(found["gpu_hours"], rel=1e-3)
    assert 4.68e6 == pytest.approx(found["dollars"], rel=1e-3)
    assert found["gpu_hours"] == pytest.approx(24 * 1024 * found["days"])


def test_a_budget_buys_twenty_tokens_a_parameter():
    """6 N D spent exactly."""
    found = calculators.compute_optimal(budget=5.88e23)

    assert 5.88e23 == pytest.approx(6 * found["parameters"] * found["tokens"])
    assert 20 == pytest.approx(found["tokens"] / found["parameters"])


def test_mixtral_uses_27_6_percent_and_not_a_quarter():
    """k/E is true of the experts alone."""
    found = calculators.active_share(shared=1.6056e9, expert=5.6371e9, experts=8, active=2, batch=8)

    assert (0.276, 0.25) == pytest.approx((found["share"], found["naive"]), abs=5e-4)
    assert 0.9 == pytest.approx(found["touched"], abs=1e-3)


def test_speculation_reports_the_draft_asked_for_and_the_best_one():
    """The best is at least as fast."""
    found = calculators.speculative(acceptance=0.8, drafted=4, cost=0.1)

    assert 3.3616 == pytest.approx(found["tokens"])
    assert found["best_speed_up"] >= found["speed_up"] == pytest.approx(3.3616 / 1.4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: calculators.training_memory(
                parameters=1e9, trained=2e9, frozen_bits=4, recipe="mixed", activations=0
            ),
            "2e.09 trained of 1e.09 parameters",
        ),
        (
            lambda: calculators.inference_memory(
                **{"parameters": 1, "weight_bits": 4, "kept_in_16": 2, "cached": 0, "windowed": 0, "window": 0},
                **{"width": 1, "hidden": 1, "vocabulary": 1, "context": 1},
            ),
            "2 of 1 parameters cannot stay in 16 bits",
        ),
    ],
)
def test_impossible_inputs_are_refused(call, message):
    """With what was got."""
    with pytest.raises(ValueError, match=message):
        call()
