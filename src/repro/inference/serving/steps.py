"""One step of a server, and the least time that it takes."""

from __future__ import annotations

from dataclasses import dataclass

from repro.inference.serving.memory import Lane
from repro.sizing.memory.cache import cache_bytes
from repro.sizing.models.parameters import count_parameters
from repro.sizing.operations.cost import BANDWIDTH, PEAK_FLOPS
from repro.sizing.operations.roofline import decode_seconds
from repro.sizing.published import find_model


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The model, in fp16, and the GPU that give a step its time.

    Fields: `parameters` of the model, `token_bytes` of its cache a token; `peak_flops` and `bandwidth` a second.
    """

    parameters: float
    token_bytes: float
    peak_flops: float
    bandwidth: float

    def seconds(self, step: ServedStep) -> float:
        """The least time of a step, first passes included."""
        passed = len(step.computed) + step.read
        if not passed:
            return 0.0
        cached = sum(lane.cached for lane in step.computed) * self.token_bytes / passed
        return decode_seconds(
            parameters=self.parameters,
            batch=passed,
            peak_flops=self.peak_flops,
            bandwidth=self.bandwidth,
            cache_bytes=cached,
        )


def machine_of(model: str, gpu: str) -> Machine:
    """A published model, or the path of a config.json, on a GPU of the data sheets (`sizing.cost`)."""
    found = find_model(model)
    return Machine(
        parameters=count_parameters(found).total,
        token_bytes=cache_bytes(found, 1),
        peak_flops=PEAK_FLOPS[gpu],
        bandwidth=BANDWIDTH[gpu],
    )


@dataclass(frozen=True)
class ServedStep:
    """What one step did, as seen before requests that ended leave.

    Fields: `admitted` lanes whose tokens are read first, `read` so many; `writing` lanes that each write a token;
    `computed` those and, in a static batch, the ended ones that it still carries; `evicted` lanes that gave way;
    `waiting` whether a request wanted in and could not.
    """

    admitted: tuple[Lane, ...]
    read: int
    writing: tuple[Lane, ...]
    computed: tuple[Lane, ...]
    evicted: tuple[Lane, ...]
    waiting: bool
