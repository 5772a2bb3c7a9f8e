"""The arithmetic of spending on a loss surface: closed forms, inverses and the numbers people repeat."""

import os
from dataclasses import replace

import numpy as np
import pytest

from repro.fits.laws.surface import BESIROGLU, HOFFMANN, Surface
from repro.fits.questions.allocation import (
    CHINCHILLA,
    GOPHER,
    GPT3,
    INSIDE_FLOP,
    LLAMA2_70B,
    LLAMA3_8B,
    Allocation,
    PlannedRun,
    allocation,
    compute_making_optimal,
    equal_loss_size,
    loss_at_budget,
    optimal_run_for_loss,
    optimal_tokens,
    overtraining,
    spending,
    tokens_factor,
    tradeoff,
)
from repro.fits.runs.planted import Planted
from repro.fits.runs.suites import Suite, public_suites
from repro.floor.measurement import Diverged

PLANTED = Suite(source=Planted(noise=0.003))
EVEN = Surface(E=1.7, A=400.0, B=400.0, alpha=0.3, beta=0.3)
needs_data = pytest.mark.skipif(not os.environ.get("REPRO_DATA"), reason="no public tables: REPRO_DATA is unset")
SURFACES = pytest.mark.parametrize("surface", [BESIROGLU, HOFFMANN, EVEN], ids=["besiroglu", "hoffmann", "even"])


@SURFACES
@pytest.mark.parametrize("N", [1e7, 1e10, 1e12])
def test_the_compute_that_makes_a_size_optimal_inverts_the_optimum(surface, N):
    """optimum(compute_making_optimal(N)) is N again, with optimal_tokens(N)."""
    size, tokens = surface.optimum(compute_making_optimal(surface, N))

    assert (N, optimal_tokens(surface, N)) == (pytest.approx(float(size)), pytest.approx(float(tokens)))


@SURFACES
def test_doubling_the_size_multiplies_the_tokens_by_the_factor(surface):
    """D*(2N) / D*(N) = 2^(b/a), whatever the size."""
    assert tokens_factor(surface) == pytest.approx(optimal_tokens(surface, 2e9) / optimal_tokens(surface, 1e9))


def test_equal_exponents_double_the_tokens():
    """With alpha = beta the factor is 2 exactly; published fits give 1.93 and, as printed, 2.32."""
    assert (2.0, 1.93, 2.32) == (
        tokens_factor(EVEN),
        *(pytest.approx(tokens_factor(s), abs=0.01) for s in (BESIROGLU, HOFFMANN)),
    )


def test_chinchilla_and_gopher_cost_about_the_same():
    """6 N D: 5.88e23 and 5.04e23, a ratio of 1.17 and not of 1/4."""
    assert (5.88e23, 5.04e23) == (pytest.approx(CHINCHILLA.C), pytest.approx(GOPHER.C))
    assert 7 / 6 == pytest.approx(CHINCHILLA.C / GOPHER.C)


def test_known_optima_in_tokens():
    """10 B wants about 0.2 T, 175 B about 3.1 T by the refit (Hoffmann et al., table 3: 0.205 T and 3.7 T)."""
    assert (0.203e12, 3.08e12) == tuple(pytest.approx(optimal_tokens(BESIROGLU, N), rel=0.01) for N in (10e9, 175e9))


def test_known_overtraining():
    """Llama 2 70B saw 1.55 times its optimum, Llama 3 8B about 91 times; by 20 tokens a parameter 1.43 and 94."""
    assert (1.551, 91.5) == tuple(pytest.approx(overtraining(BESIROGLU, r), rel=1e-3) for r in (LLAMA2_70B, LLAMA3_8B))
    assert (1.43, 93.75) == tuple(
        pytest.approx(r.tokens_per_parameter / 20, abs=0.005) for r in (LLAMA2_70B, LLAMA3_8B)
    )


@SURFACES
def test_the_cheapest_run_reaches_its_loss_and_is_optimal(surface):
    """It has the asked loss, and it is the optimum of its own compute."""
    run = optimal_run_for_loss(surface, 2.2)

    assert 2.2 == pytest.approx(float(surface.loss(run.N, run.D)))
    assert run.N == pytest.approx(float(surface.optimum(run.C)[0]))


def test_a_loss_below_the_floor_is_refused():
    """No run reaches E."""
    with pytest.raises(ValueError, match="floor"):
        optimal_run_for_loss(BESIROGLU, BESIROGLU.E)


def test_overtraining_pays_after_the_break_even():
    """Llama 3 8B: 5.5 times dearer to train, 4.2 times cheaper to serve, even after 1.1e13 generated tokens."""
    found = tradeoff(BESIROGLU, LLAMA3_8B)

    assert (5.51, 4.22) == (pytest.approx(found.training, abs=0.01), pytest.approx(found.serving, abs=0.01))
    assert 1.144e13 == pytest.approx(found.break_even, rel=1e-3)
    both = [run.C + 2 * run.N * found.break_even for run in (LLAMA3_8B, found.equal)]
    assert both[0] == pytest.approx(both[1])


@pytest.mark.parametrize("seed", range(20))
def test_which_side_of_the_valley_wins_and_that_overtraining_costs_need_no_data(seed):
    """On any surface with positive exponents, however it was drawn: theorems, which no run could refute."""
    alpha, beta = np.random.default_rng(seed).uniform(0.1, 1.0, 2)
    surface = Surface(E=1.0, A=100.0**alpha, B=300.0**beta, alpha=alpha, beta=beta)
    best = float(surface.optimum(INSIDE_FLOP)[0])
    quarter, half, _, double, fourfold = (loss_at_budget(surface, best * 2.0**power) for power in range(-2, 3))
    longer = PlannedRun(best / 3, INSIDE_FLOP / (2 * best))

    assert quarter > half
    assert double < fourfold
    assert tradeoff(surface, longer).training > 1


def test_an_undertrained_run_has_no_break_even():
    """Gopher is larger than the optimum: there is no saving to wait for."""
    with pytest.raises(ValueError, match="not over-trained"):
        tradeoff(BESIROGLU, GOPHER)


@SURFACES
@pytest.mark.parametrize("run", [GPT3, GOPHER, LLAMA3_8B])
def test_the_partner_across_the_valley_has_equal_loss_and_compute(surface, run):
    """It lies on the other side of the optimum, and a size between the two does better."""
    partner, best = equal_loss_size(surface, run), float(surface.optimum(run.C)[0])
    between = np.sqrt(partner * best)
    same, better = (float(surface.loss(size, run.C / (6 * size))) for size in (partner, between))

    assert (run.N - best) * (partner - best) < 0
    assert float(surface.loss(run.N, run.D)) == pytest.approx(same, abs=1e-9)
    assert better < same


def test_at_the_optimum_the_partner_is_the_size_itself():
    """The range in which another size wins has shrunk to nothing."""
    size, tokens = (float(x) for x in BESIROGLU.optimum(1e22))
    assert size == pytest.approx(equal_loss_size(BESIROGLU, PlannedRun(size, tokens)), rel=1e-6)


def test_a_published_surface_gives_numbers_without_intervals():
    """Nothing is drawn: the measurement is the arithmetic."""
    assert spending(BESIROGLU) == allocation(Allocation(source=BESIROGLU), seed=0)


def test_resamples_go_through_the_same_arithmetic():
    """Every number of the chapter has quantiles, and those of a planted world hold its truth."""
    found, truth = allocation(Allocation(source=PLANTED, resamples=200), seed=0), spending(BESIROGLU)

    for name in truth:
        assert found[f"{name}_quantiles"][0] <= truth[name] <= found[f"{name}_quantiles"][-1]


def test_resamples_without_an_answer_have_a_name():
    """Where even Llama 3 8B is under-trained there is no break-even; the trial says so and gives no number."""
    hungry = Planted(surface=replace(BESIROGLU, B=1e6), noise=0.003, tokens_per_parameter=None)
    with pytest.raises(Diverged, match="not over-trained"):
        allocation(Allocation(source=Suite(source=hungry), resamples=20), seed=0)


@needs_data
def test_chinchillas_runs_give_the_break_even_with_an_interval():
    """From the 240 public points: 1.1e13 generated tokens, 1.06e13 to 1.30e13 at 99 %."""
    found = allocation(Allocation(source=public_suites()["Chinchilla, digitised"], resamples=300), seed=0)

    assert 1.14e13 == pytest.approx(found["break_even"], rel=0.01)
    assert 1e13 < found["break_even_quantiles"][0] < 1.1e13 < found["break_even_quantiles"][-1] < 1.5e13
