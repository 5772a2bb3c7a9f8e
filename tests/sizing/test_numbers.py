"""Formulas of plain numbers: cost, optimal size, drafts, experts, roofline, noise."""

import random

import pytest

from repro.fits.questions.allocation import CHINCHILLA, GPT3
from repro.sizing.diffusion import latent_saving, signal_left
from repro.sizing.experts import mixture_parameters, touched_share
from repro.sizing.memory.cache import generation_pairs, generation_passes, paged_waste
from repro.sizing.models.parameters import count_parameters, expert_parameters
from repro.sizing.operations.chinchilla import break_even_tokens, optimal_size, optimal_tokens
from repro.sizing.operations.cost import PEAK_FLOPS, days, gpu_hours, petaflop_days, utilisation
from repro.sizing.operations.flops import inference_flops, training_flops
from repro.sizing.operations.roofline import decode_intensity, decode_seconds, ridge
from repro.sizing.published import published_model
from repro.sizing.speculation import best_draft, expected_tokens, speed_up


def test_gpt3_took_3640_petaflop_days():
    """Brown et al. 2020, table D.1."""
    assert 3640 == pytest.approx(petaflop_days(training_flops(175e9, 300e9)), rel=2e-3)


def test_llama_65b_took_a_million_gpu_hours_and_not_1_4():
    """Touvron et al. 2023, section 2.4 and table 15: 380 tokens a second on each of 2,048 A100s, 1,022,362 hours."""
    flops, seconds = training_flops(65.2e9, 1.4e12), 1.4e12 / (380 * 2048)
    reached = utilisation(flops, seconds=seconds, gpus=2048, peak_flops=PEAK_FLOPS["A100"])
    hours = gpu_hours(flops, peak_flops=PEAK_FLOPS["A100"], utilisation=reached)

    assert 1_022_362 == pytest.approx(hours, rel=0.002)
    assert 20.8 == pytest.approx(days(hours, 2048), abs=0.05)


def test_a_utilisation_in_percent_is_refused():
    """40 is no share."""
    with pytest.raises(ValueError, match="utilisation is 40; expected a share above 0 and at most 1"):
        gpu_hours(1e21, peak_flops=1e15, utilisation=40)


def test_the_rule_of_twenty_spends_chinchillas_budget_on_chinchilla():
    """70 B parameters and 1.4 T tokens; size and tokens both grow with the root of compute."""
    assert (CHINCHILLA.N, CHINCHILLA.D) == pytest.approx(optimal_size(CHINCHILLA.C))
    assert 3.5e12 == optimal_tokens(GPT3.N)
    assert (10 * CHINCHILLA.N, 10 * CHINCHILLA.D) == pytest.approx(optimal_size(100 * CHINCHILLA.C))


def test_at_break_even_both_models_have_cost_the_same():
    """Training and serving together."""
    served = break_even_tokens(small=8e9, small_tokens=15e12, large=34e9, large_tokens=0.65e12)
    costs = [training_flops(N, D) + inference_flops(N, served) for N, D in ((8e9, 15e12), (34e9, 0.65e12))]

    assert costs[0] == pytest.approx(costs[1])


def test_sizes_in_the_wrong_order_are_refused():
    """A larger model never breaks even by being smaller."""
    with pytest.raises(ValueError, match="swap them"):
        break_even_tokens(small=2, small_tokens=1, large=1, large_tokens=1)


@pytest.mark.parametrize(("acceptance", "drafted"), [(0.0, 4), (0.8, 4), (0.8, 1), (1.0, 7)])
def test_expected_tokens_are_the_mean_of_independent_acceptances(acceptance, drafted):
    """Leviathan et al. 2022, eq. 1: a verification yields the accepted prefix and one token more."""
    rng, total, rounds = random.Random(0), 0, 20_000
    for _ in range(rounds):
        total += 1
        for _ in range(drafted):
            if rng.random() >= acceptance:
                break
            total += 1

    assert expected_tokens(acceptance, drafted) == pytest.approx(total / rounds, rel=0.01)


def test_a_draft_of_four_at_80_percent_yields_3_36_tokens():
    """Fewer than the five of a lucky round, and no draft is free."""
    assert 3.3616 == pytest.approx(expected_tokens(0.8, 4))
    assert 3.3616 / 1.4 == pytest.approx(speed_up(0.8, 4, 0.1))


def test_the_best_draft_is_none_where_drafting_does_not_pay():
    """Leviathan et al. 2022, corollary 3.9: there is a gain if acceptance exceeds the draft's cost."""
    assert 0 == best_draft(0.3, 0.3)
    assert 0 < best_draft(0.31, 0.3)


def test_an_acceptance_above_one_is_refused():
    """And a negative draft."""
    with pytest.raises(ValueError, match=r"acceptance is 1\.2; expected a probability"):
        expected_tokens(1.2, 4)
    with pytest.raises(ValueError, match="drafted is -1; expected 0 tokens or more"):
        expected_tokens(0.8, -1)


@pytest.mark.parametrize("name", ["mixtral-8x7b", "deepseek-v3", "qwen3-30b-a3b"])
def test_shared_and_expert_parameters_give_a_models_totals(name):
    """The plain formula agrees with the count by matrix, where every layer has experts or some are dense."""
    model = published_model(name)
    count, (all_experts, used) = count_parameters(model), expert_parameters(model)
    block = model.layers[-1].feed_forward
    found = mixture_parameters(
        shared=count.total - all_experts,
        expert=all_experts / block.experts,
        experts=block.experts,
        active=block.active,
    )

    assert (count.total, count.active) == pytest.approx(found)
    assert used / all_experts == pytest.approx(block.active / block.experts)


def test_a_batch_of_eight_touches_nine_tenths_of_mixtrals_experts():
    """1 - (1 - 2/8)^8; and one token exactly its own."""
    assert 0.9 == pytest.approx(touched_share(8, 2, 8), abs=1e-3)
    assert 2 / 8 == touched_share(8, 2, 1)
    with pytest.raises(ValueError, match="9 of 8 experts are active; expected from 1 to 8"):
        mixture_parameters(shared=1, expert=1, experts=8, active=9)


def test_decoding_meets_the_ridge_at_the_ridges_batch():
    """At 16 bits a step of batch b does b operations a byte; a cache only lowers that."""
    edge = ridge(peak_flops=989e12, bandwidth=3.35e12)
    times = [
        decode_seconds(parameters=7e9, batch=batch, peak_flops=989e12, bandwidth=3.35e12) for batch in (1, 0.99 * edge)
    ]

    assert 32 == decode_intensity(parameters=7e9, batch=32)
    assert decode_intensity(parameters=7e9, batch=32, cache_bytes=1e9) < 32
    assert times[0] == times[1] < decode_seconds(parameters=7e9, batch=2 * edge, peak_flops=989e12, bandwidth=3.35e12)


def test_a_cache_takes_one_power_off_passes_and_scores():
    """n(n+1)/2 passes become n, and about n^3/3 scores n^2/2."""
    assert (100, 5050) == (generation_passes(100, cached=True), generation_passes(100, cached=False))
    assert 100 * 101 // 2 == generation_pairs(100, cached=True)
    assert 100 * 101 * 201 // 6 == generation_pairs(100, cached=False)
    assert 100 * 101 * 102 // 6 == generation_pairs(100, cached=False, dense=False)


def test_pages_waste_half_a_block_a_sequence():
    """Counted over all lengths of 25 blocks."""
    block, lengths = 16, range(1, 401)
    idle = sum(-length % block for length in lengths)

    assert idle / (idle + sum(lengths)) == pytest.approx(paged_waste(sum(lengths) / len(lengths), block))


def test_noise_leaves_0_6_percent_of_an_images_amplitude():
    """Ho et al. 2020: alpha-bar 4.036e-5; Stable Diffusion's schedule 4.66e-3."""
    assert 4.036e-5 == pytest.approx(signal_left(first=1e-4, last=0.02), rel=1e-3)
    assert 4.66e-3 == pytest.approx(signal_left(first=0.00085, last=0.012, scaled=True), rel=1e-2)


def test_a_latent_of_an_eighth_a_side_has_48_times_fewer_numbers():
    """512 x 512 x 3 against 64 x 64 x 4."""
    assert 512 * 512 * 3 / (64 * 64 * 4) == latent_saving(factor=8)
