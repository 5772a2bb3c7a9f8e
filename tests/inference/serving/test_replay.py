"""Replayed traces: every token is written once, every slot is accounted for, and constant lengths have closed forms."""

from pathlib import Path

import pytest

from repro.bookkeeping.ledger import judge, load_chapter
from repro.floor.scale import Scale
from repro.inference.serving.configurations import (
    Machine,
    Paging,
    Replay,
    Reserving,
    Sampling,
    Spread,
    Workload,
    machine_of,
)
from repro.inference.serving.measurements import replay_trace, shared_blocks
from repro.inference.serving.memory import memory_of
from repro.inference.serving.replay import replay
from repro.inference.serving.traces import Request, requests_of
from repro.statistics import student_t

CHAPTER = Path(__file__).parents[3] / "experiments" / "serving" / "claims.toml"
MACHINE = Machine(parameters=1e9, token_bytes=1e5, peak_flops=1e14, bandwidth=1e12)
MIXED = Workload(name="mixed", prompt=Spread(mean=20), output=Spread(mean=40), requests=120)
KINDS = [
    *[
        Reserving(asks=asks, places=places)
        for asks in ("longest", "power of two", "exact")
        for places in ("buddies", "first fit")
    ],
    *[Paging(block=16), Paging(block=1, watermark=0.0), Paging(block=64)],
]


def alike(prompt: int, output: int, requests: int = 60) -> Workload:
    return Workload(
        name="alike",
        prompt=Spread(mean=prompt, shape="alike", spread=0),
        output=Spread(mean=output, shape="alike", spread=0),
        requests=requests,
    )


def replayed(workload: Workload, kind: Reserving | Paging, seed: int = 0, **choices):
    return replay_trace(
        Replay(source=workload, memory=kind, machine=MACHINE, **{"slots": 1000, "longest": 256, **choices}), seed
    )


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_request_gets_its_tokens_and_every_slot_has_one_use(kind):
    """Lengths end as the trace says, also of requests that gave way; while one waits, four uses fill the pool."""
    requests, memory = requests_of(MIXED, 3, longest=256), memory_of(kind, 1000, longest=256)
    written, cached = [0] * len(requests), [0] * len(requests)
    for step in replay(requests, memory):
        usage = memory.usage(step.computed, waiting=step.waiting)
        assert min(vars(usage).values()) >= 0
        assert sum(lane.cached for lane in step.computed) == usage.tokens
        assert not step.waiting or usage.total == 1000
        for lane in step.writing:
            written[lane.number] += 1
            cached[lane.number] = lane.cached

    assert [r.output for r in requests] == written
    assert [r.total for r in requests] == cached


@pytest.mark.parametrize(("prompt", "output"), [(40, 40), (100, 150)])
def test_reserving_the_longest_wastes_what_the_lengths_say(prompt, output):
    """Planted worlds whose waste is known: 3 runs of 256 in 1,000 slots, each filled from prompt + 1 to all."""
    found = replayed(alike(prompt, output), Reserving())

    mean = prompt + (output + 1) / 2
    assert 3 * mean / 1000 == pytest.approx(found["tokens"])
    assert 3 * (prompt + output - mean) / 1000 == pytest.approx(found["reserved"])
    assert 3 * (256 - prompt - output) / 1000 == pytest.approx(found["internal"])
    assert 232 / 1000 == pytest.approx(found["external"])
    assert 3 == found["at_once"]


def test_paging_gains_nothing_where_exact_runs_fill_the_pool_and_nothing_is_reserved():
    """The null: one token written by each of equal requests that fill whole blocks."""
    exact, paged = (
        replayed(alike(79, 1), kind)
        for kind in (Reserving(asks="exact", places="first fit"), Paging(block=16, watermark=0.0))
    )

    assert 12 == exact["at_once"] == paged["at_once"]
    assert 0.96 == pytest.approx(exact["tokens"]) == pytest.approx(paged["tokens"])


def test_pages_waste_less_where_lengths_vary_and_large_pages_more():
    held = [
        replayed(MIXED, kind)["idle_held"]
        for kind in (Paging(block=1), Paging(block=16), Paging(block=64), Reserving())
    ]

    assert sorted(held) == held and 0 == held[0]


def test_a_static_batch_waits_for_its_longest_and_equal_lengths_do_not_care():
    """Planted: outputs 1 and 39 in pairs leave 38 of 80 lane-steps idle; alike, both ways take the same steps."""
    pairs = [Request(0.0, 5, output) for _ in range(6) for output in (1, 39)]
    steps = list(replay(pairs, memory_of(Reserving(asks="exact"), 1000, longest=256), lanes=2, static=True))
    assert (6 * 39, 6 * 40) == (len(steps), sum(len(step.writing) for step in steps))
    assert 6 * 78 == sum(len(step.computed) for step in steps)

    static, continuous = (replayed(alike(10, 30), Reserving(asks="exact"), lanes=4, static=s) for s in (True, False))
    assert static["steps"] == continuous["steps"] and static["speed"] == pytest.approx(continuous["speed"])
    varied = [replayed(MIXED, Reserving(asks="exact"), lanes=4, static=s)["speed"] for s in (True, False)]
    assert varied[1] > 1.2 * varied[0]


def test_arrivals_are_waited_for():
    requests = [Request(0.0, 4, 2), Request(100.0, 4, 2)]
    memory = memory_of(Paging(), 64, longest=64)

    assert [1, 1, 1, 1] == [len(step.writing) for step in replay(requests, memory)]
    assert not any(step.waiting for step in replay(requests, memory))


def test_a_request_that_no_memory_could_hold_is_refused():
    with pytest.raises(ValueError, match="80 tokens does not fit into 64 slots"):
        list(replay([Request(0.0, 60, 20)], memory_of(Paging(), 64, longest=128)))
    with pytest.raises(ValueError, match="does not fit into 64"):
        list(replay([Request(0.0, 60, 20)], memory_of(Reserving(), 64, longest=128)))


def test_sharing_a_prompt_saves_what_the_lengths_say_and_nothing_where_there_is_one_sample():
    """Equal samples of a prompt of two whole blocks and outputs of one: (2 k + k) blocks alone, 2 + k together."""
    found = shared_blocks(Sampling(workload=alike(32, 16, 3), samples=4), 0)

    assert 1 - (2 + 4) / (4 * 3) == pytest.approx(found["saved"])
    assert 0 == found["copied"] == shared_blocks(Sampling(workload=alike(30, 20, 3), samples=1), 0)["saved"]
    assert 3 == shared_blocks(Sampling(workload=alike(30, 16, 3), samples=4), 0)["copied"]


def test_the_machine_of_the_paper_keeps_800_kilobytes_a_token():
    """Kwon et al. 2023, section 3: 2 x 5120 x 40 x 2 bytes; 12 GB hold the 15.7 thousand slots of table 1."""
    machine = machine_of("llama-13b", "A100")

    assert 800 * 1024 == machine.token_bytes
    assert 15.7 == pytest.approx(12 * 2**30 / machine.token_bytes / 1000, abs=0.05)


@pytest.mark.parametrize(
    ("name", "kind", "true", "false"),
    [
        ("naive-waste-chat", Reserving(), (60, 120), (110, 140)),
        ("paged-replayed-chat", Paging(block=4), (60, 60), (12, 6)),
    ],
)
def test_the_chapters_statistic_tells_a_true_world_from_a_false_one(name, kind, true, false):
    """Planted lengths: the same estimate, judged by the region on file, supports one world and refutes the other."""
    claim = load_chapter(CHAPTER)[name]
    field = {"naive-waste-chat": "tokens", "paged-replayed-chat": "idle_held"}[name]

    def outcome(prompt, output):
        world = Workload(
            name="planted",
            prompt=Spread(mean=prompt, shape="alike", spread=0.1),
            output=Spread(mean=output, shape="alike", spread=0.1),
            requests=60,
        )
        found = [replayed(world, kind, seed)[field] for seed in range(6)]
        return judge(claim, student_t([1 - x if field == "tokens" else x for x in found]), Scale.CPU).outcome

    assert ["supported", "refuted"] == [outcome(*true), outcome(*false)]
