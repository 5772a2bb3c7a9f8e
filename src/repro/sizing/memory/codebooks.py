"""Methods that store a weight as its place in a codebook of its matrix: AQLM and VPTQ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

HALF = 16  # bits of a number in a codebook
MOST = 2**20  # entries of a codebook, and weights of an entry, that a file may state


def aqlm(stated: Mapping[str, Any]) -> tuple[float, float] | None:
    """(bits per weight, bits per matrix) of AQLM: codes of groups of weights, and the codebooks that they point into.

    Source: Egiazarian et al. 2024 (arXiv:2401.06118), section 3.
    """
    names = ("in_group_size", "out_group_size", "num_codebooks", "nbits_per_codebook")
    values = [_count(stated.get(name)) for name in names]
    if None in values or (values[3] or 0) > 20:
        return None
    inputs, outputs, books, bits = (value or 0 for value in values)
    group = inputs * outputs
    return books * bits / group, float(books * 2**bits * group * HALF)


def vptq(stated: Mapping[str, Any]) -> tuple[float, float] | None:
    """(bits per weight, 0) of VPTQ without outlying columns, its codebooks spread over the weights of each matrix.

    Source: Liu et al. 2024 (arXiv:2409.17066), section 3.
    """
    layers = stated.get("config_for_layers")
    if not isinstance(layers, Mapping) or not layers:
        return None
    shared = stated.get("shared_layer_config")
    shared = shared if isinstance(shared, Mapping) else {}
    weights = bits = 0.0
    for one in layers.values():
        found = _vptq_matrix({**shared, **one}) if isinstance(one, Mapping) else None
        if found is None:
            return None
        weights, bits = weights + found[0], bits + found[1]
    return bits / weights, 0.0


def _vptq_matrix(stated: Mapping[str, Any]) -> tuple[float, float] | None:
    """(weights, bits) of one matrix."""
    sides = [_count(stated.get(name)) for name in ("in_features", "out_features", "group_num")]
    length = _last(stated.get("vector_lens"))
    if None in sides or length is None or length < 1 or stated.get("outlier_size"):
        return None
    inputs, outputs, groups = (side or 0 for side in sides)
    books = list(_books(stated))
    if not books:
        return None
    code = sum(math.log2(entries) for entries in books) / length
    return float(inputs * outputs), inputs * outputs * code + groups * sum(books) * length * HALF


def _books(stated: Mapping[str, Any]) -> Iterator[int]:
    for name in ("num_centroids", "num_res_centroids"):
        entries = _last(stated.get(name))
        if entries is not None and entries > 1:
            yield entries


def _last(value: object) -> int | None:
    """The main one of a pair whose first is the outliers'; -1 for none."""
    return _count(value[-1]) if isinstance(value, list) and value else None


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= MOST else None
