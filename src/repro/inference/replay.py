"""A trace replayed against a memory: who is let in, who writes a token, who must wait, and what each slot is for.

Every step each request at work writes one token. Kernels are taken as perfect: a step takes what its reading or its
arithmetic takes at a GPU's peak, whichever is longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from repro.corpora.tables import TableId
from repro.floor.measurement import Number, Numbers, measurement
from repro.inference.memory import Lane, Memory, Paging, Reserving, Usage, memory_of
from repro.inference.paging import BlockPool, BlockTable
from repro.inference.traces import Request, Workload, requests_of
from repro.sizing.cache import cache_bytes
from repro.sizing.cost import BANDWIDTH, PEAK_FLOPS
from repro.sizing.parameters import count_parameters
from repro.sizing.published import find_model
from repro.sizing.roofline import decode_seconds


@dataclass(frozen=True)
class Machine:
    """The model, in fp16, and the GPU that give a step its time.

    Fields: `parameters` of the model, `token_bytes` of its cache a token; `peak_flops` and `bandwidth` a second.
    """

    parameters: float
    token_bytes: float
    peak_flops: float
    bandwidth: float

    def seconds(self, step: Step) -> float:
        """The least time of a step, first passes included."""
        passed = len(step.computed) + step.read
        if not passed:
            return 0.0
        cached = sum(lane.cached for lane in step.computed) * self.token_bytes / passed
        return decode_seconds(parameters=self.parameters, batch=passed, peak_flops=self.peak_flops,
                              bandwidth=self.bandwidth, cache_bytes=cached)  # fmt: skip


def machine_of(model: str, gpu: str) -> Machine:
    """A published model, or the path of a config.json, on a GPU of the data sheets (`sizing.cost`)."""
    found = find_model(model)
    return Machine(count_parameters(found).total, cache_bytes(found, 1), PEAK_FLOPS[gpu], BANDWIDTH[gpu])


@dataclass(frozen=True)
class Step:
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


def replay(
    requests: Sequence[Request], memory: Memory, *, lanes: int | None = None, static: bool = False,
    seconds: Callable[[Step], float] = lambda step: 1.0,
) -> Iterator[Step]:  # fmt: skip
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
        step = Step(stayed, sum(lane.reads for lane in stayed), writing, tuple(at_work), evicted, bool(queue))
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


@dataclass(frozen=True)
class Replay:
    """A trace served from one pool.

    Fields: `slots` for one token each in the pool, and `longest` of a sequence: those of a 13B model on 40 GB (Kwon et
    al. 2023, table 1); `lanes`, `static` as `replay` takes them; `machine` gives a step its time.
    """

    source: Workload | TableId
    memory: Reserving | Paging
    machine: Machine
    slots: int = 15_700
    longest: int = 2048
    lanes: int | None = None
    static: bool = False


@measurement(version=1)
def replay_trace(config: Replay, seed: int) -> Numbers:
    """Where the slots of a pool go, how many requests it holds at once and how fast they are served.

    The seed draws the workload. Each step counts once, and only steps in which a request waits (all, if none ever
    does): `tokens`, `reserved`, `internal`, `external` as shares of the pool, `at_once` requests at work, `idle_held`
    the share without a token of what requests hold. Over the whole replay: `seconds`, `speed` in tokens written a
    second, `idle_lanes` the share of computed lanes that wrote nothing, `evictions` a request, `read_again` the share
    of tokens read that had been read before.
    """
    requests = requests_of(config.source, seed, longest=config.longest)
    memory = memory_of(config.memory, config.slots, longest=config.longest)
    tally = Tally(memory, config.machine)
    for step in replay(requests, memory, lanes=config.lanes, static=config.static, seconds=config.machine.seconds):
        tally.count(step)
    return {**tally.numbers(), **_trace_numbers(requests, tally)}


class Tally:
    """Sums over the steps of a replay."""

    def __init__(self, memory: Memory, machine: Machine) -> None:
        self.memory, self.machine = memory, machine
        self.scarce, self.ample = _Sums(), _Sums()
        self.seconds, self.written, self.computed, self.read, self.evictions = 0.0, 0, 0, 0, 0

    def count(self, step: Step) -> None:
        """Add a step."""
        sums = self.scarce if step.waiting else self.ample
        sums.add(self.memory.usage(step.computed, waiting=step.waiting), len(step.writing))
        self.seconds += self.machine.seconds(step)
        self.written += len(step.writing)
        self.computed += len(step.computed)
        self.read += step.read
        self.evictions += len(step.evicted)

    def numbers(self) -> dict[str, Number]:
        """As `replay_trace` returns them."""
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


def _trace_numbers(requests: Sequence[Request], tally: Tally) -> dict[str, Number]:
    prompts, outputs = (sum(getattr(request, part) for request in requests) for part in ("prompt", "output"))
    return {
        "requests": len(requests),
        "prompt_mean": prompts / len(requests),
        "output_mean": outputs / len(requests),
        "evictions": tally.evictions / len(requests),
        "read_again": 1 - prompts / tally.read,
    }


@dataclass(frozen=True)
class Sampling:
    """Several continuations of each prompt, each as long as a draw of the workload's outputs says."""

    workload: Workload
    samples: int = 4
    block: int = 16
    longest: int = 2048


@measurement(version=1)
def shared_blocks(config: Sampling, seed: int) -> Numbers:
    """`saved`: the share of blocks that sharing the prompt saves, summed over steps; `copied` blocks a request.

    Source: Kwon et al. 2023 (arXiv:2309.06180), section 6.3 and figure 15, for what is counted.
    """
    drawn = [requests_of(config.workload, seed * config.samples + k, longest=config.longest)
             for k in range(config.samples)]  # fmt: skip
    alone = together = copies = 0
    for same in zip(*drawn, strict=True):
        prompt, outputs = same[0].prompt, [min(r.output, config.longest - same[0].prompt) for r in same]
        pool = BlockPool(config.samples * -(-config.longest // config.block), config.block)
        first = BlockTable(pool)
        first.append(prompt)
        tables = [first] + [first.fork() for _ in outputs[1:]]
        for step in range(max(outputs)):
            for table, output in zip(tables, outputs, strict=True):
                if step < output:
                    copies += table.append() is not None
                elif step == output:
                    table.release()
            alone += sum(len(table.blocks) for table in tables)
            together += pool.held
    return {"saved": 1 - together / alone, "copied": copies / config.workload.requests}
