"""The bytes of one optimiser step as a measurement."""

from __future__ import annotations

from repro.adaptation.configurations import OneStep
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def one_step(config: OneStep, seed: int) -> Numbers:
    """Take two steps and count the bytes of the second; exact counts, so one seed is enough.

    `matrices` are the weights of the layers' matrices and `matrix_bytes` what is stored of them; `weight_bytes` are
    those and all other weights that are not trained; `trained_bytes`, `gradient_bytes` and `moment_bytes` belong to
    the `trained` numbers that learn; `alive` is in use after the step and `peak` the most during it, on a CPU by the
    allocator's own events and on a GPU by its counters (as handed out, rounded up).

    Raises:
        Diverged: the second step's loss is no finite number.
    """
    from repro.adaptation.steps import count_step

    return count_step(config, seed)
