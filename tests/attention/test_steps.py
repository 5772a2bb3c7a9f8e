"""Laws of the timed arms: equal numbers, bytes as counted, turns taken fairly; and each check can fail."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest
import torch

from repro.attention.configurations import (
    Arm,
    AttentionPass,
    DecodeSteps,
    Grouping,
    all_arms,
    sharing,
    transformers_arms,
)
from repro.attention.kernels import KERNELS, grouped, packed
from repro.attention.measurements import attention_pass, decode_steps, grouping
from repro.attention.naive import multi_head, multi_query
from repro.instruments.turns import on_one_thread, take_turns
from repro.models.cache import Cache, GrowingCache
from repro.models.counting import matrix_parameters
from repro.models.decoder import Decoder

SHAPE = Decoder(vocabulary=40, width=32, layers=2, heads=4, context=24)
STEPS = DecodeSteps(shape=SHAPE, batch=2, arms=all_arms(4, [4, 2, 1], 2), rounds=1, stream_bytes=2**16)
SMALL = Grouping(shape=Decoder(vocabulary=20, width=16, layers=1, heads=4, context=5))
DIFFERENCES = ("to_multi_head", "to_multi_query", "between")


def next_head(query, key, value, mask=None, causal=False):
    """A kernel in which each query head reads the head after its own."""
    return grouped(query, key.roll(1, dims=1), value.roll(1, dims=1), mask, causal)


@pytest.mark.parametrize("kernel", ["matmul", "enable_gqa", "repeated"])
def test_grouped_queries_contain_multi_head_and_multi_query_attention(kernel):
    """Ainslie et al. 2023, section 2.2."""
    numbers = grouping(replace(SMALL, kernel=kernel), 0)

    assert [1, 2, 4] == numbers["groups"]
    assert all(numbers[name] < 1e-13 for name in DIFFERENCES)


def test_a_kernel_that_reads_another_head_is_no_grouped_attention(monkeypatch):
    monkeypatch.setitem(KERNELS, "matmul", next_head)
    numbers = grouping(SMALL, 0)

    assert numbers["to_multi_head"] > 0.01 and numbers["between"] > 0.01
    assert numbers["to_multi_query"] < 1e-13  # with one head, the next is the same


def test_the_loops_refuse_what_they_do_not_know():
    query, key = torch.zeros(1, 4, 3, 2), torch.zeros(1, 2, 3, 2)
    with pytest.raises(ValueError, match="2 key-value heads; expected 4"):
        multi_head(query, key, key, None, True)
    with pytest.raises(ValueError, match="causal mask of a whole sequence"):
        multi_query(query, key[:, :1], key[:, :1], None, False)
    with pytest.raises(ValueError, match="one new token"):
        packed(query, key, key)


def test_every_arm_reads_the_bytes_that_its_heads_hold_and_nearly_equal_weights():
    """The logits of all arms with equal heads were compared before the clock started."""
    numbers = decode_steps(STEPS, 0)

    heads = [arm.kv_heads for arm in STEPS.arms]
    assert [2 * 2 * 2 * number * 24 * 8 * 4 for number in heads] == numbers["cache_bytes"]
    assert [matrix_parameters(sharing(SHAPE, number)) * 4 for number in heads] == numbers["weight_bytes"]
    assert max(numbers["weight_bytes"]) / min(numbers["weight_bytes"]) < 1.05
    assert min(numbers["milliseconds"]) > 0 and len(heads) == len(numbers["milliseconds"])


def test_transformers_with_either_cache_gives_our_logits():
    theirs = decode_steps(replace(STEPS, arms=transformers_arms(4, 2)), 0)

    assert [6144 * number for number in (4, 4, 2, 2, 4, 2)] == theirs["cache_bytes"]


def test_an_arm_that_computes_something_else_is_not_timed(monkeypatch):
    monkeypatch.setitem(KERNELS, "enable_gqa", next_head)
    with pytest.raises(RuntimeError, match=r"enable_gqa.* gives other logits"):
        decode_steps(STEPS, 0)


def test_on_a_gpu_steps_with_static_caches_are_graphs_that_have_run_before_the_clock_starts(gpu):
    """Those that allocate anew, and transformers' own, are launched one by one; all give the logits of their heads."""
    on_gpu = replace(STEPS, device="cuda", dtype="bfloat16", rounds=3)
    numbers = decode_steps(on_gpu, 0)
    static = [arm for arm in on_gpu.arms if arm.cache == "static"]

    assert len(static) * (1 + 1 + 3) == gpu.graph_replays
    assert decode_steps(replace(STEPS, dtype="bfloat16"), 0)["cache_bytes"] == numbers["cache_bytes"]
    assert 6 == len(decode_steps(replace(on_gpu, arms=transformers_arms(4, 2)), 0)["milliseconds"])


def test_a_gpu_has_work_when_the_clock_starts_and_has_done_it_when_it_is_read(gpu):
    """Else a short run's time would be that of its first launch; events read too early are refused."""
    matrix = torch.ones(64, 64, device="cuda")
    launched = []

    [seconds] = take_turns(
        [lambda: launched.append(gpu.by_name["mm"]) or matrix @ matrix], rounds=2, seed=0, device="cuda"
    )

    assert [1, 3] == launched and all(second > 0 for second in seconds)


def test_while_times_are_taken_attention_takes_any_length():
    """cuDNN's kernel, which a GPU would prefer, plans for each; it is allowed again afterwards."""
    before = torch.backends.cuda.cudnn_sdp_enabled()
    with on_one_thread("cpu"):
        assert not torch.backends.cuda.cudnn_sdp_enabled()

    assert before == torch.backends.cuda.cudnn_sdp_enabled()


def test_what_is_no_arm_is_refused():
    with pytest.raises(ValueError, match="'growing'; expected one of static, concatenated"):
        Arm(kv_heads=4, cache="growing")
    with pytest.raises(ValueError, match="'float16'; expected one of float32, bfloat16"):
        replace(STEPS, dtype="float16")
    with pytest.raises(ValueError, match="device is 'tpu'"):
        decode_steps(replace(STEPS, device="tpu"), 0)


def test_a_concatenated_cache_holds_the_same_in_new_memory_at_each_step():
    start = Cache(SHAPE, 1, 24)
    start.keys.normal_(), start.values.normal_()
    start.length = 23
    grown, new = GrowingCache.of(start), torch.ones(1, 4, 1, 8)

    seen = []
    for _ in range(2):
        keys, _ = grown.extend(0, new, new)
        expected, _ = start.extend(0, new, new)
        torch.testing.assert_close(expected, keys, rtol=0, atol=0)
        seen.append(keys)
        grown.advance(1)
        grown.crop(23)

    assert 3 == len({start.keys.data_ptr(), *(keys.data_ptr() for keys in seen)})


def test_every_round_takes_each_run_once_in_an_order_of_its_own():
    ran: list[int] = []
    seconds = take_turns([lambda place=place: ran.append(place) for place in range(4)], rounds=6, seed=0)

    rounds = [tuple(ran[start : start + 4]) for start in range(0, 24, 4)]
    assert {(0, 1, 2, 3)} == {tuple(sorted(one)) for one in rounds}
    assert len(set(rounds)) > 2
    assert [6] * 4 == [len(each) for each in seconds]


def test_the_clock_sees_work_and_not_waiting():
    def work() -> None:
        sum(range(200_000))

    waited, worked = take_turns([lambda: time.sleep(0.02), work], rounds=3, seed=0)

    assert max(waited) < 0.01
    assert min(worked) > 1e-4


def test_torch_gets_its_threads_back():
    before = torch.get_num_threads()
    with on_one_thread("cpu"):
        assert 1 == torch.get_num_threads()

    assert before == torch.get_num_threads()


def test_a_pass_is_timed_for_each_pair_of_heads_and_kernel():
    numbers = attention_pass(AttentionPass(shape=SHAPE, kv_heads=(4, 1), rounds=1), 0)

    assert [(4, "enable_gqa"), (4, "repeated"), (1, "enable_gqa"), (1, "repeated")] == list(
        zip(numbers["heads"], numbers["kernel"], strict=True)
    )
    assert Counter(ms > 0 for ms in numbers["milliseconds"]) == {True: 4}
