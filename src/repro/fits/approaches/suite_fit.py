"""The surface of a whole suite of runs."""

from __future__ import annotations

from dataclasses import dataclass

from repro.fits.laws.intervals import quantiles
from repro.fits.laws.surface import fit_surface
from repro.fits.runs.suites import PARAMETERS, Broken, Suite, draw_surfaces, suite_runs
from repro.floor.measurement import Number, Numbers, measurement


@dataclass(frozen=True, kw_only=True)
class SuiteFit:
    """A surface fitted to all runs of a suite, with a bootstrap over its training runs."""

    suite: Suite | Broken
    resamples: int = 1000


@measurement(version=1)
def suite_fit(config: SuiteFit, seed: int) -> Numbers:
    """The surface of a suite, its exponents a and b, and how surely it was found.

    `runs` counts the training runs that were resampled, `share` the starts that found the same minimum, `lost` the
    resamples whose surface has no optimum.
    """
    runs = suite_runs(config.suite, seed)
    fit = fit_surface(runs["N"], runs["D"], runs["loss"])
    draws = draw_surfaces(runs, fit, resamples=config.resamples, seed=seed)
    found: dict[str, Number | list[Number]] = {"a": fit.surface.a, "a_quantiles": quantiles(draws.a)}
    for name, value, drawn in zip(PARAMETERS, fit.surface.table().tolist(), draws.parameters.T, strict=True):
        found |= {name: value, f"{name}_quantiles": quantiles(drawn)}
    return found | {
        "rows": len(runs),
        "runs": int(runs["group"].nunique()),
        "draws": draws.a.size,
        "lost": config.resamples - draws.a.size,
        "objective": fit.objective,
        "share": fit.share,
    }
