"""Whether memory or arithmetic bounds decoding: operations for each byte read.

Source: Williams et al. 2009 (doi:10.1145/1498765.1498785); Pope et al. 2022 (arXiv:2211.05102), section 2.
"""

from __future__ import annotations

from repro.sizing.operations.flops import inference_flops


def ridge(*, peak_flops: float, bandwidth: float) -> float:
    """Operations per byte at which a device is as busy computing as reading: above it, compute bounds."""
    return peak_flops / bandwidth


def decode_intensity(*, parameters: float, batch: float, bits: float = 16, cache_bytes: float = 0) -> float:
    """Operations per byte of one decoding step: 2 N b over the weights read once and each sequence's cache."""
    return inference_flops(parameters, batch) / (parameters * bits / 8 + batch * cache_bytes)


def decode_seconds(
    *, parameters: float, batch: float, peak_flops: float, bandwidth: float, bits: float = 16, cache_bytes: float = 0
) -> float:
    """Least time of one decoding step: the larger of computing and of reading weights and caches."""
    reading = (parameters * bits / 8 + batch * cache_bytes) / bandwidth
    return max(reading, inference_flops(parameters, batch) / peak_flops)
