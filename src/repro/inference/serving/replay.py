"""A trace replayed against a memory: who is let in, who writes a token, who must wait, and what each slot is for.

Every step each request at work writes one token. Kernels are taken as perfect: a step takes what its reading or its
arithmetic takes at a GPU's peak, whichever is longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from repro.floor.measurement import Number
from repro.inference.serving.configurations import Machine
from repro.inference.serving.memory import Lane, Memory, Usage
from repro.inference.serving.traces import Request


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

    def seconds(self, machine: Machine) -> float:
        """The least time of the step, first passes included."""
        cached = sum(lane.cached for lane in self.computed)
        return machine.seconds(passed=len(self.computed) + self.read, cached=cached)


def replay(
    requests: Sequence[Request],
    memory: Memory,
    *,
    lanes: int | None = None,
    static: bool = False,
    seconds: Callable[[ServedStep], float] = lambda step: 1.0,
) -> Iterator[ServedStep]:
    """Serve requests in the order of their arrival, step by step.

    Args:
        lanes: requests at work at once, if not memory alone limits them.
        static: let nobody in before all who are in have ended, as in batching by request.
        seconds: of a step, on whose sum arrivals wait.

    Raises:
        ValueError: a request that the empty memory could not hold.

    Source: Yu et al. 2022 (Orca, OSDI), for letting requests in at every step; Kwon et al. 2023 (arXiv:2309.06180),
    section 4.5, for giving way: the last that came, all of it, and reading it again.
    """
    coming = deque(Lane(number, r.prompt, r.output) for number, r in enumerate(requests))
    queue: deque[Lane] = deque()
    at_work: list[Lane] = []
    clock = 0.0
    while coming or queue or at_work:
        while coming and requests[coming[0].number].arrival <= clock:
            queue.append(coming.popleft())
        if not queue and not at_work:
            clock = requests[coming[0].number].arrival
            continue
        admitted = _let_in(queue, at_work, memory, lanes, static)
        evicted = _write(queue, at_work, memory)
        writing = tuple(lane for lane in at_work if lane.left)
        for lane in writing:
            lane.cached, lane.left = lane.cached + 1, lane.left - 1
        stayed = tuple(lane for lane in admitted if lane not in evicted)
        step = ServedStep(stayed, sum(lane.reads for lane in stayed), writing, tuple(at_work), evicted, bool(queue))
        yield step
        clock += seconds(step)
        _let_out(at_work, memory, static)


def _let_in(queue: deque[Lane], at_work: list[Lane], memory: Memory, lanes: int | None, static: bool) -> list[Lane]:
    admitted: list[Lane] = []
    if static and at_work:
        return admitted
    while queue and (lanes is None or len(at_work) < lanes):
        if not memory.admit(queue[0]):
            if not at_work:
                raise _too_long(queue[0], memory)
            break
        lane = queue.popleft()
        lane.cached = lane.reads
        at_work.append(lane)
        admitted.append(lane)
    return admitted


def _too_long(lane: Lane, memory: Memory) -> ValueError:
    tokens = (lane.cached or lane.reads) + lane.left
    return ValueError(f"a request of {tokens} tokens does not fit into {memory.slots} slots; give a larger pool")


def _write(queue: deque[Lane], at_work: list[Lane], memory: Memory) -> tuple[Lane, ...]:
    """Room for a token of each lane that still writes, first come first served; those that gave way go back."""
    evicted = []
    for lane in tuple(at_work):
        while lane in at_work and lane.left and not memory.grow(lane):
            last = at_work.pop()
            if not at_work:
                raise _too_long(last, memory)
            memory.release(last)
            if last.left:  # else a static batch carried it for nothing
                last.reads, last.cached = last.cached, 0
                queue.appendleft(last)
                evicted.append(last)
    return tuple(evicted)


def _let_out(at_work: list[Lane], memory: Memory, static: bool) -> None:
    if static and any(lane.left for lane in at_work):
        return
    for lane in [lane for lane in at_work if not lane.left]:
        memory.release(lane)
        at_work.remove(lane)


class Tally:
    """Sums over the steps of a replay."""

    def __init__(self, memory: Memory, machine: Machine) -> None:
        self.memory, self.machine = memory, machine
        self.scarce, self.ample = _Sums(), _Sums()
        self.seconds, self.written, self.computed, self.read, self.evictions = 0.0, 0, 0, 0, 0

    def count(self, step: ServedStep) -> None:
        """Add a step."""
        sums = self.scarce if step.waiting else self.ample
        sums.add(self.memory.usage(step.computed, waiting=step.waiting), len(step.writing))
        self.seconds += step.seconds(self.machine)
        self.written += len(step.writing)
        self.computed += len(step.computed)
        self.read += step.read
        self.evictions += len(step.evicted)

    def numbers(self) -> dict[str, Number]:
        """What `replay_trace` says of slots, lanes and seconds."""
        sums = self.scarce if self.scarce.steps else self.ample
        slots, held = sums.usage, sums.usage.total - sums.usage.external
        shares: dict[str, Number] = {kind: count / slots.total for kind, count in vars(slots).items()}
        return shares | {
            "idle_held": 1 - slots.tokens / held,
            "at_once": sums.writing / sums.steps,
            "waiting": self.scarce.steps / (self.scarce.steps + self.ample.steps),
            "steps": self.scarce.steps + self.ample.steps,
            "seconds": self.seconds,
            "speed": self.written / self.seconds,
            "idle_lanes": 1 - self.written / self.computed,
        }


class _Sums:
    def __init__(self) -> None:
        self.usage, self.writing, self.steps = Usage(), 0, 0

    def add(self, usage: Usage, writing: int) -> None:
        self.usage += usage
        self.writing += writing
        self.steps += 1


def trace_numbers(requests: Sequence[Request], tally: Tally) -> dict[str, Number]:
    """What `replay_trace` says of the requests themselves."""
    prompts, outputs = (sum(getattr(request, part) for request in requests) for part in ("prompt", "output"))
    return {
        "requests": len(requests),
        "prompt_mean": prompts / len(requests),
        "output_mean": outputs / len(requests),
        "evictions": tally.evictions / len(requests),
        "read_again": 1 - prompts / tally.read,
    }
