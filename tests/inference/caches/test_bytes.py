"""Caches weigh what the formula says, hold what a view keeps alive, and never change what a model says."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from repro.attention.configurations import Absorption
from repro.attention.measurements import absorbed_attention
from repro.inference.caches.configurations import Appending, CacheFill, Generation, Lengths
from repro.inference.caches.estimates import changed_share, furthest, growth_of_ratio
from repro.inference.caches.measurements import appended_bytes, cache_agreement, generation_seconds, held_bytes
from repro.inference.caches.shapes import around_cache, shape_of, tiny
from repro.instruments.live_bytes import Watch, stored_bytes
from repro.models.cache import GrowingCache
from repro.models.decoder import Decoder
from repro.sizing.memory.cache import cache_bytes
from repro.sizing.models.config import ConfigRefused
from repro.sizing.published import published

SHORT = {"batch": 2, "prompt": 12, "steps": 2, "cropped": 6}


def test_a_view_keeps_the_whole_storage():
    """Bytes are counted on storages, each once, wherever an object keeps them."""
    whole = torch.zeros(100, 4)

    assert (160, 1600) == (stored_bytes(whole[:10]).seen, stored_bytes(whole[:10]).held)
    assert 1600 == stored_bytes({"keys": [whole[:10]], "values": (whole[20:],)}).held


def test_the_watch_sees_what_lives_and_the_most_that_lived():
    """To the byte, also what an operation needs only while it runs."""
    with Watch() as watch:
        first = torch.empty(1000)
        both = torch.cat([first, first])
        del first
        watch.mark("joined")
        del both
        watch.mark("freed")

    assert (8_000, 12_000) == (watch.phases["joined"].alive, watch.phases["joined"].peak)
    assert (0, 8_000) == (watch.phases["freed"].alive, watch.phases["freed"].peak)


@pytest.mark.parametrize(
    ("family", "kind", "heads"),
    [
        ("llama", "whole", 1),
        ("llama", "growing", 2),
        ("llama", "dynamic", 8),
        ("mistral", "static", 2),
        ("deepseek_v3", "dynamic", 8),
        ("llama", "fp8", 2),
    ],
)
def test_a_cache_holds_what_the_formula_predicts(family: str, kind: str, heads: int):
    """Predicted, held by storages and counted by the allocator: three ways to one number, and nothing left behind."""
    window = {"sliding_window": 8} if family == "mistral" else {}
    numbers = held_bytes(CacheFill(fields=tiny(family, num_key_value_heads=heads, **window), kind=kind, **SHORT), 0)

    assert numbers["predicted"] == numbers["steps_held"] == numbers["steps_alive"] - numbers["beside"]
    assert 0 == numbers["left"]


@pytest.mark.parametrize(
    ("family", "kind"), [("llama", "whole"), ("llama", "growing"), ("llama", "static"), ("gemma2", "dynamic")]
)
def test_on_a_gpu_a_cache_holds_what_the_formula_predicts(gpu, family: str, kind: str):
    """By the counters of the GPU's allocator, whatever it had handed out before."""
    numbers = held_bytes(CacheFill(fields=tiny(family), kind=kind, device="cuda", **SHORT), 0)

    assert numbers["predicted"] == numbers["steps_held"] == numbers["steps_alive"] - numbers["beside"]
    assert 0 == numbers["left"]
    assert numbers["append_allocated"] >= numbers["append_peak"]


def test_a_watch_of_a_gpu_multiplies_before_it_counts(gpu):
    """Forwards, backwards and with a bias, since workspaces of cuBLAS are taken at first use and kept."""
    with Watch("cuda") as watch:
        watch.mark("nothing")

    assert {"mm", "addmm"} <= set(gpu.by_name) and gpu.by_name["mm"] > 2
    assert (0, 0) == (watch.phases["nothing"].alive, watch.phases["nothing"].peak)


@pytest.mark.parametrize("kind", ["whole", "dynamic"])
def test_on_a_gpu_a_cache_changes_nothing(gpu, kind: str):
    assert cache_agreement(Generation(fields=tiny("llama"), kind=kind, tokens=4, device="cuda"), 0)["difference"] < 1e-5


def test_a_formula_that_forgets_the_shared_heads_is_caught():
    """Eight query heads that share two keys: the planted formula is wrong by four."""
    config = CacheFill(fields=tiny("llama"), kind="dynamic", **SHORT)
    wrong = cache_bytes(shape_of(config.fields).with_kv_heads(8), config.tokens, batch=config.batch)

    assert 4 == wrong / held_bytes(config, 0)["steps_held"]


@pytest.mark.parametrize(("held", "alive", "ratio"), [(100, 108, 1), (50, 108, 0.5), (100, 208, 2)])
def test_one_cache_that_differs_is_what_is_judged(held: int, alive: int, ratio: float):
    """Whichever of the two counts is off, in one cache of three; 8 bytes are a counter's."""
    rows = [(100, 100, 108, 8)] * 2 + [(100, held, alive, 8)]

    assert ratio == furthest(pd.DataFrame(rows, columns=["predicted", "steps_held", "steps_alive", "beside"])).value


def test_concatenation_needs_one_tensor_more_and_a_crop_frees_nothing():
    """At the peak a layer's keys live twice; a crop is a view until the next append makes a new tensor."""
    config = CacheFill(fields=tiny("llama"), kind="growing", **SHORT)
    numbers = held_bytes(config, 0)
    token = numbers["predicted"] / config.tokens
    keys = (config.tokens + 1) * token / (2 * 4)

    assert numbers["append_held"] + keys == numbers["append_peak"] + token / 8
    assert numbers["append_held"] == numbers["crop_held"] == numbers["crop_seen"] + config.cropped * token
    assert numbers["crop_seen"] + token == numbers["after_held"]


def test_all_but_the_cache_is_made_small(subtests: pytest.Subtests):
    """A published model's cache on layers that can be built anywhere: the same bytes a layer."""
    for name, entry in published().items():
        whole = entry.architecture
        if not whole.causal or whole.encoder or name == "gpt3-175b":  # no decoder alone, or too wide to be built
            continue
        with subtests.test(model=name):
            small = shape_of(around_cache(name))
            part = replace(whole, layers=whole.layers[: len(small.layers)])
            assert cache_bytes(part, 5000) == cache_bytes(small, 5000)


@pytest.mark.parametrize("name", ["gpt3-175b", "t5-base", "bert-base"])
def test_what_is_no_decoder_or_too_wide_to_be_built_is_refused(name: str):
    with pytest.raises(ConfigRefused, match=r"at most 200,000,000 are built here|no decoder alone"):
        around_cache(name)


@pytest.mark.parametrize("kind", ["whole", "growing"])
def test_a_cache_changes_nothing(kind: str):
    """In float64, up to rounding; and tokens that are misplaced by one are seen to change much."""
    config = Generation(fields=tiny("llama"), kind=kind, tokens=12)

    assert cache_agreement(config, 0)["difference"] < 1e-12
    assert cache_agreement(replace(config, late=1), 0)["difference"] > 1e-2


def test_concatenation_writes_all_that_is_held_again():
    """t tokens at step t, 2 to T in all, against one at each step."""
    config = Appending(fields=tiny("llama"), kind="whole", tokens=16)
    token = cache_bytes(shape_of(config.fields), 1)

    assert 15 * token == appended_bytes(config, 0)["all"]
    assert (16 * 17 // 2 - 1) * token == appended_bytes(replace(config, kind="growing"), 0)["all"]


def test_a_growing_cache_refuses_to_crop_to_more_than_it_holds():
    with pytest.raises(ValueError, match="cannot crop to 3 tokens; the cache holds 0"):
        GrowingCache(Decoder(vocabulary=8, width=8, layers=1, heads=2), batch=1).crop(3)


def test_latents_are_enough_but_only_with_a_rotary_key_of_their_own():
    """Absorbed matrices give the same scores; where the keys from latents are rotated they cannot."""
    assert absorbed_attention(Absorption(), 0)["scores"] < 1e-12
    assert absorbed_attention(Absorption(decoupled=False), 0)["scores"] > 0.1


def test_the_growth_of_a_ratio_tells_a_saved_power_from_none():
    """Planted times with a tenth of noise: T^2 beside T, and T beside T."""
    lengths, noise = [32, 64, 128, 256, 512], np.random.default_rng(0).lognormal(0, 0.1, (2, 5))
    linear, square = np.array(lengths) * noise[0], np.array(lengths) ** 2 * noise[1]

    assert 1 == pytest.approx(growth_of_ratio(lengths, square, linear), abs=0.15)
    assert 0 == pytest.approx(growth_of_ratio(lengths, np.array(lengths) * noise[1], linear), abs=0.15)


def test_tokens_of_one_draw_are_not_counted_as_independent():
    """Planted: each draw of the weights has a share of its own, so more tokens of the same draws tell no more."""
    shares = np.array([0.0, 0.0, 0.04, 0.01, 0.0])
    few, many = (pd.DataFrame({"changed": shares * steps, "steps": [steps] * 5}) for steps in (1_000, 1_000_000))

    assert changed_share(few) == changed_share(many)
    assert changed_share(few).low < 0.001 < changed_share(few).high
    assert 0.5 < changed_share(few.assign(changed=0)).high


def test_the_clock_is_read_at_every_length():
    numbers = generation_seconds(Lengths(fields=tiny("llama"), lengths=(4, 8)), 0)

    assert [4, 8] == numbers["lengths"]
    assert 0 < numbers["cached"][0] < numbers["cached"][1]


def test_what_was_dropped_before_a_watch_is_not_counted_as_freed_in_it():
    """A cycle that holds a tensor is freed whenever the collector runs, and an earlier watch has noted its size."""
    with Watch():
        dropped: dict[str, object] = {"tensor": torch.ones(100)}
        dropped["itself"] = dropped
        del dropped

    with Watch() as watch:
        gc.collect()
        watch.mark("collected")

    assert 0 == watch.phases["collected"].alive
