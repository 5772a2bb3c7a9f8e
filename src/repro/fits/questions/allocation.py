"""What a loss surface says about spending: how many tokens, how much over-training, when a smaller model pays.

Legend: N parameters, D training tokens, C = 6 N D floating-point operations, L loss in nats per token. Every function
takes a Surface, so a bootstrap draw goes through it as well as a published fit does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repro.fits.laws.intervals import Entries, quantiles
from repro.fits.laws.surface import Surface, fit_surface
from repro.fits.runs.suites import Suite, draw_surfaces, suite_runs
from repro.floor.measurement import Diverged, Numbers, measurement
from repro.sizing.operations.chinchilla import break_even_tokens
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

INSIDE_FLOP = 1e21  # a budget inside the range of Chinchilla's runs


@dataclass(frozen=True)
class PlannedRun:
    """A training run, published or planned: N parameters on D tokens.

    Source: of each constant below, beside it.
    """

    N: float
    D: float

    @property
    def C(self) -> float:
        """Training compute 6 N D in floating-point operations."""
        return FLOP_PER_PARAMETER_TOKEN * self.N * self.D

    @property
    def tokens_per_parameter(self) -> float:
        """D / N."""
        return self.D / self.N


GPT3 = PlannedRun(175e9, 300e9)  # Brown et al. 2020 (arXiv:2005.14165), table 2.1
GOPHER = PlannedRun(280e9, 300e9)  # Rae et al. 2021 (arXiv:2112.11446), section 2
CHINCHILLA = PlannedRun(70e9, 1.4e12)  # Hoffmann et al. 2022 (arXiv:2203.15556), section 4
LLAMA2_70B = PlannedRun(70e9, 2e12)  # Touvron et al. 2023 (arXiv:2307.09288), table 1
LLAMA3_8B = PlannedRun(8e9, 15e12)  # Grattafiori et al. 2024 (arXiv:2407.21783), section 1


def tokens_factor(surface: Surface, size_factor: float = 2.0) -> float:
    """Factor by which the optimal tokens grow when the size grows `size_factor` times: size_factor^(b/a)."""
    return float(size_factor ** (surface.b / surface.a))


def compute_making_optimal(surface: Surface, N: float) -> float:
    """The compute at which N is the optimal size: the inverse of N*(C) = G (C/6)^a.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), eq. 4.
    """
    G = float(surface.optimum(FLOP_PER_PARAMETER_TOKEN)[0])
    return float(FLOP_PER_PARAMETER_TOKEN * (N / G) ** (1 / surface.a))


def optimal_tokens(surface: Surface, N: float) -> float:
    """Tokens on which a model of N parameters is compute-optimal."""
    return compute_making_optimal(surface, N) / (FLOP_PER_PARAMETER_TOKEN * N)


def overtraining(surface: Surface, run: PlannedRun) -> float:
    """Tokens of a run over the optimal tokens of its size."""
    return run.D / optimal_tokens(surface, run.N)


def optimal_run_for_loss(surface: Surface, loss: float) -> PlannedRun:
    """The cheapest run that reaches a loss.

    At the optimum beta B D^-beta = alpha A N^-alpha, so both terms are fixed shares of L - E.

    Raises:
        ValueError: the loss is at or below the surface's floor E.
    """
    above = loss - surface.E
    if above <= 0:
        raise ValueError(f"a loss of {loss} nats is not above the floor E = {surface.E}; no run reaches it")
    size = (surface.A * (1 + surface.alpha / surface.beta) / above) ** (1 / surface.alpha)
    tokens = (surface.B * (1 + surface.beta / surface.alpha) / above) ** (1 / surface.beta)
    return PlannedRun(float(size), float(tokens))


@dataclass(frozen=True)
class Tradeoff:
    """An over-trained run beside the compute-optimal run of equal loss.

    equal: the optimal run. training: training compute over the optimal run's. serving: the optimal run's cost of a
    generated token over the over-trained one's. break_even: generated tokens after which both have cost the same.
    """

    equal: PlannedRun
    training: float
    serving: float
    break_even: float


def tradeoff(surface: Surface, run: PlannedRun) -> Tradeoff:
    """What over-training a run costs and saves: 6 N D to train, 2 N for each token generated.

    Raises:
        ValueError: the run is not over-trained, so that there is nothing to win back.

    Source: the reasoning of Sardana & Frankle 2023 (arXiv:2401.00448), section 2.
    """
    equal = optimal_run_for_loss(surface, float(surface.loss(run.N, run.D)))
    if equal.N <= run.N:
        raise ValueError(
            f"{run.N:.3g} parameters on {run.D:.3g} tokens are not over-trained: the optimal run of equal loss has "
            f"{equal.N:.3g} parameters; give a run with more tokens than the optimum of its size"
        )
    pays = break_even_tokens(small=run.N, small_tokens=run.D, large=equal.N, large_tokens=equal.D)
    return Tradeoff(equal, run.C / equal.C, equal.N / run.N, pays)


def equal_loss_size(surface: Surface, run: PlannedRun) -> float:
    """The other size that reaches the run's loss with the run's compute, across the valley of least loss.

    Every size between the two does better than both. For a run larger than the optimum it is the smallest model
    that still wins with more data; for a run smaller than the optimum, a smaller model on more data always loses.
    """
    from scipy.optimize import brentq

    best = float(surface.optimum(run.C)[0])
    wanted = float(surface.loss(run.N, run.D))
    away = np.log(best / run.N)
    if abs(away) < 1e-9:
        return best

    def excess(step: float) -> float:
        size = best * np.exp(step * np.sign(away))
        return float(surface.loss(size, run.C / (FLOP_PER_PARAMETER_TOKEN * size))) - wanted

    far = abs(float(away))
    while excess(far) < 0:
        far *= 2
    return float(best * np.exp(brentq(excess, 0.0, far, xtol=1e-12) * np.sign(away)))


def loss_at_budget(surface: Surface, N: float, C: float = INSIDE_FLOP) -> float:
    """Loss in nats per token of N parameters that spend the compute C on tokens."""
    return float(surface.loss(N, C / (FLOP_PER_PARAMETER_TOKEN * N)))


def spending(surface: Surface) -> dict[str, float]:
    """The chapter's numbers under one surface, by name.

    `*_tokens`: optimal for that size. `*_times`: training tokens over the optimum of the run's size. `*_loss` in nats.
    `past_optimum`, `below_optimum`: loss of the smaller minus that of the larger of two sizes on that side of the best.
    `equal_*`, `training`, `serving`, `break_even`: Llama 3 8B's trade. `*_partner`: size of equal loss and compute.
    """
    trade = tradeoff(surface, LLAMA3_8B)
    gpt3_size, gpt3_tokens = surface.optimum(GPT3.C)
    best = float(surface.optimum(INSIDE_FLOP)[0])
    return {
        "past_optimum": loss_at_budget(surface, 2 * best) - loss_at_budget(surface, 4 * best),
        "below_optimum": loss_at_budget(surface, best / 4) - loss_at_budget(surface, best / 2),
        "tokens_factor": tokens_factor(surface),
        "tokens_10b": optimal_tokens(surface, 10e9),
        "tokens_175b": optimal_tokens(surface, GPT3.N),
        "llama2_70b_times": overtraining(surface, LLAMA2_70B),
        "llama3_8b_times": overtraining(surface, LLAMA3_8B),
        "chinchilla_loss": float(surface.loss(CHINCHILLA.N, CHINCHILLA.D)),
        "gopher_loss": float(surface.loss(GOPHER.N, GOPHER.D)),
        "gpt3_loss": float(surface.loss(GPT3.N, GPT3.D)),
        "gpt3_budget_size": float(gpt3_size),
        "gpt3_budget_tokens": float(gpt3_tokens),
        "equal_size": trade.equal.N,
        "equal_tokens": trade.equal.D,
        "training": trade.training,
        "serving": trade.serving,
        "break_even": trade.break_even,
        "gpt3_partner": equal_loss_size(surface, GPT3),
        "gopher_partner": equal_loss_size(surface, GOPHER),
        "llama3_8b_partner": equal_loss_size(surface, LLAMA3_8B),
    }


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """The chapter's arithmetic under a published surface (no interval), or under a suite's fit and its resamples."""

    source: Surface | Suite
    resamples: int = 1000


@measurement(version=1)
def allocation(config: Allocation, seed: int) -> Numbers:
    """The numbers of `spending`; with a suite, each with the quantiles of its resamples.

    Raises:
        Diverged: a resample's surface has no answer, such as no optimum or a run that is not over-trained under it.
    """
    if isinstance(config.source, Surface):
        return spending(config.source)
    runs = suite_runs(config.source, seed)
    fit = fit_surface(runs["N"], runs["D"], runs["loss"])
    draws = draw_surfaces(runs, fit, resamples=config.resamples, seed=seed)
    try:
        answers = [spending(Surface(*row)) for row in draws.parameters.tolist()]
    except ValueError as error:
        raise Diverged(f"a resample of {config.source} answers no question of the chapter: {error}") from error
    numbers: Entries = {"runs": int(runs["group"].nunique()), "draws": len(answers)}
    for name, value in spending(fit.surface).items():
        numbers |= {name: value, f"{name}_quantiles": quantiles([answer[name] for answer in answers])}
    return numbers
