"""Bits per weight of each method that a `quantization_config` may name, from the fields that it states.

A reader gives None where the file does not say what the bits follow from. Constants per matrix (one scale per row, a
grid) are below a hundredth of a bit and left out. Source of the fields: transformers, utils/quantization_config.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from repro.sizing.memory.precision import group_bits, nf4_bits

SCALE = 16  # bits of a group's scale
QUANTO_GROUP = 128  # the file does not state it; source: optimum-quanto, qint2 and qint4 of a linear layer

Stated = Mapping[str, Any]


def _number(stated: Stated, *names: str) -> int | None:
    found = (stated.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), None)


def _bits(stated: Stated, *names: str) -> int | None:
    """A number of bits that a weight may have."""
    bits = _number(stated, *names)
    return bits if bits is not None and 1 <= bits <= 16 else None


def _whole(stated: Stated) -> bool:
    """Whether a file says that its weights come to 16 bits as they are loaded."""
    return any(stated.get(name) is True for name in ("dequantize", "pseudoquantization"))


def grouped(stated: Stated) -> float | None:
    """AWQ, GPTQ, AutoRound: a scale and a zero point of as many bits as a weight for each group; -1 is a whole row."""
    bits, group = _bits(stated, "bits", "w_bit"), _number(stated, "group_size", "q_group_size")
    by_module = ("dynamic", "extra_config", "modules_in_block_to_quantize")  # other bits, or 16, in some modules
    if bits is None or group is None or any(stated.get(name) for name in by_module):
        return None
    return float(bits) if group < 1 else group_bits(bits, group, scale=SCALE, zero=bits)


def blocks(stated: Stated) -> float | None:
    """fp8: one 32-bit scale for each block of a matrix, or for the whole of it."""
    if stated.get("expert_dtype", "fp8") != "fp8":
        return None
    block = stated.get("weight_block_size")
    if isinstance(block, list) and block and all(type(side) is int and 0 < side < 2**20 for side in block):
        return group_bits(8, math.prod(block), scale=32)
    return 8.0 if block is None else None


def bitsandbytes(stated: Stated) -> float | None:
    """NormalFloat or floats of 4 bits in blocks of 64, or integers of 8 with one scale per row."""
    if stated.get("load_in_4bit") is True:
        return nf4_bits(double=stated.get("bnb_4bit_use_double_quant") is True)
    return 8.0 if stated.get("load_in_8bit") is True else None


def compressed(stated: Stated) -> float | None:
    """compressed-tensors: read where all its groups store weights alike."""
    groups = stated.get("config_groups")
    if not isinstance(groups, Mapping) or stated.get("format") == "marlin-24" or stated.get("sparsity_config"):
        return None
    weights = [group.get("weights") for group in groups.values() if isinstance(group, Mapping)]
    first = weights[0] if weights else None
    if any(one != first for one in weights):
        return None
    if first is None and weights:
        return 16.0  # only what flows between layers is rounded
    return _compressed_weights(first) if isinstance(first, Mapping) else None


def _compressed_weights(weights: Stated) -> float | None:
    bits, group, block = _bits(weights, "num_bits"), _number(weights, "group_size"), weights.get("block_structure")
    if bits is None:
        return None
    if isinstance(block, list) and block and all(type(side) is int and 0 < side < 2**20 for side in block):
        return group_bits(bits, math.prod(block), scale=SCALE)
    if not group or group < 1:
        return float(bits)
    small = weights.get("type") == "float" and bits == 4  # NVFP4 and MXFP4 scale their groups by floats of 8 bits
    return group_bits(bits, group, scale=8 if small else SCALE, zero=0 if weights.get("symmetric", True) else bits)


def hqq(stated: Stated) -> float | None:
    """HQQ: a scale and a zero point of 16 bits for each group of weights."""
    inner = stated.get("quant_config")
    inner = inner.get("weight_quant_params") if isinstance(inner, Mapping) else stated
    if not isinstance(inner, Mapping) or stated.get("dynamic_config"):
        return None
    bits, group = _bits(inner, "nbits"), _number(inner, "group_size")
    if bits is None:
        return None
    return group_bits(bits, group, scale=SCALE, zero=SCALE) if group and group > 0 else float(bits)


def quanto(stated: Stated) -> float | None:
    """quanto: 8 bits with a scale per row, or 4 and 2 with a scale and a shift of 16 bits for each group of 128."""
    bits = {"float8": 8, "int8": 8, "int4": 4, "int2": 2}.get(str(stated.get("weights")))
    if bits is None or bits == 8:
        return bits
    return group_bits(bits, QUANTO_GROUP, scale=SCALE, zero=SCALE)


def eetq(stated: Stated) -> float | None:
    """EETQ: integers of 8 bits with a scale per column."""
    return 8.0 if stated.get("weights", "int8") == "int8" else None


def higgs(stated: Stated) -> float | None:
    """HIGGS: a scale of 16 bits for each group; its grid is shared by a matrix."""
    bits, group = _bits(stated, "bits"), _number(stated, "group_size")
    return group_bits(bits, group, scale=SCALE) if bits and group and group > 0 else None


def torchao(stated: Stated) -> float | None:
    """torchao: weights alone in 4 bits (a scale and a zero of 16 bits for each group), in 8, or in 8-bit floats."""
    kind, given = stated.get("quant_type"), stated.get("quant_type_kwargs")
    inner = kind.get("default") if isinstance(kind, Mapping) and len(kind) == 1 else None
    if isinstance(inner, Mapping):
        kind, given = inner.get("_type"), inner.get("_data")
    if not isinstance(kind, str) or stated.get("include_input_output_embeddings") is True:
        return None
    name = kind.lower().replace("_", "").removesuffix("config")
    if name == "int4weightonly":
        group = _number(given, "group_size") if isinstance(given, Mapping) and "group_size" in given else 128
        return group_bits(4, group, scale=SCALE, zero=SCALE) if group and group > 0 else None
    eights = ("int8weightonly", "int8dynamicactivationint8weight", "float8weightonly")
    return 8.0 if name in (*eights, "float8dynamicactivationfloat8weight") else None


def bitnet(stated: Stated) -> float | None:
    """BitNet: four ternary weights to a byte; its other class of layer unpacks them as they are loaded."""
    return {"bitlinear": 2.0, "autobitlinear": 16.0}.get(str(stated.get("linear_class", "bitlinear")))


def fp_quant(stated: Stated) -> float | None:
    """FP-Quant: floats of 4 bits in groups of 16 or 32."""
    if stated.get("store_master_weights") is True:
        return None
    return {"nvfp4": 4.5, "mxfp4": 4.25}.get(str(stated.get("forward_dtype", "nvfp4")))


def _fixed(bits: float) -> Callable[[Stated], float | None]:
    return lambda stated: 16.0 if _whole(stated) else bits


READERS: Mapping[str, Callable[[Stated], float | None]] = {
    "auto-round": grouped,
    "awq": grouped,
    "bitnet": bitnet,
    "bitsandbytes": bitsandbytes,
    "compressed-tensors": compressed,
    "eetq": eetq,
    "fbgemm_fp8": _fixed(8.0),
    "finegrained_fp8": blocks,
    "fp8": blocks,
    "fp_quant": fp_quant,
    "gptq": grouped,
    "higgs": higgs,
    "hqq": hqq,
    "mxfp4": _fixed(group_bits(4, 32, scale=8)),
    "mxfp8": _fixed(group_bits(8, 32, scale=8)),
    "nvfp4": _fixed(group_bits(4, 16, scale=8)),
    "quanto": quanto,
    "torchao": torchao,
}


def bits_of(method: str, stated: Stated) -> float | None:
    """Bits per weight, constants included; None if the method or its fields are not read here."""
    if method not in READERS:
        return None
    return 16.0 if _whole(stated) else READERS[method](stated)
