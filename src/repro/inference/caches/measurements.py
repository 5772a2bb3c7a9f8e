"""What is measured of caches: bytes, agreement, seconds, and bytes written."""

from __future__ import annotations

from repro.floor.measurement import Numbers, measurement
from repro.inference.caches.configurations import Appending, CacheFill, Generation, Lengths, LongStep


@measurement(version=1)
def held_bytes(config: CacheFill, seed: int) -> Numbers:
    """Fill the cache, append a token, crop, append another, and count bytes at each turn.

    `held` are bytes of the storages behind keys and values, `seen` what their tensors show of them, `beside` those of
    counters and scales; `alive` and `peak` are the allocator's own count, the model's weights left out. An append puts
    a token's keys and values into the cache, layer by layer, without the model. After a crop the fields are None where
    the cache refuses to crop, with its reason in `refused`. `allocated_peak` is the CUDA allocator's, None on a CPU.
    """
    from repro.inference.caches.filled import fill_and_count

    return {"predicted": config.predicted(), **fill_and_count(config, seed)}


@measurement(version=1)
def cache_agreement(config: Generation, seed: int) -> Numbers:
    """Continue without a cache, then read the same tokens with one, and compare at each step.

    `difference` is the largest over all logits, in standard deviations of a step's logits; `changed` of `steps`
    likeliest tokens are others with the cache; `same` says whether the logits are bit by bit the same.
    """
    from repro.inference.caches.generations import compare

    return compare(config, seed)


@measurement(version=1, alone=True)
def generation_seconds(config: Lengths, seed: int) -> Numbers:
    """Seconds until each length is generated, `cached` (whole) and `recomputed` (a full pass over each prefix)."""
    from repro.inference.caches.generations import time_lengths

    return time_lengths(config, seed)


@measurement(version=1, alone=True)
def long_step_seconds(config: LongStep, seed: int) -> Numbers:
    """Mean seconds of a step of the whole model, by kind of cache; the first step of each arm is not counted.

    `held` tokens before the first step and `steps` that were counted are given beside them.
    """
    from repro.inference.caches.generations import time_long_steps

    return time_long_steps(config, seed)


@measurement(version=1)
def appended_bytes(config: Appending, seed: int) -> Numbers:
    """Bytes that concatenations and copies write, over the first half of the tokens (`half`) and over all (`all`)."""
    from repro.inference.caches.generations import count_written

    return count_written(config, seed)
