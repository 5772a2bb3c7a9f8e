"""Mixtures as measurements: a model of one or more domains, at home and elsewhere."""

from __future__ import annotations

from repro.curation.domains.configurations import Mixing
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def read_elsewhere(config: Mixing, seed: int) -> Numbers:
    """Train on a mix of domains, and read the model on test text of its first domain and of domains left out.

    The seed draws the domains, the weights and the order. `home` is the first domain; `near` one left out, which of
    dialects has the same classes of words; `strange` (dialects alone) one that has classes of its own. Of each `loss`
    in nats per token, `hedged` the loss mixed with the even law as is best, `calibration` the expected error of
    calibration.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    from repro.curation.domains.trials import mixed_numbers

    return dict(mixed_numbers(config, seed))
