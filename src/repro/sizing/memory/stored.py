"""How a file says that its weights are stored: its `quantization_config` as a format with its constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from repro.sizing.memory.precision import Format, group_bits, nf4_bits, weight_format

SCALE = 16  # bits of a group's scale


def stored_format(fields: Mapping[str, Any]) -> Format | None:
    """The format that a configuration's `quantization_config` names; None if it has none.

    Bits are those of weight, scale and zero point: 4-bit AWQ in groups of 128 takes 4 + 16/128 + 4/128.

    Raises:
        ValueError: a method that is not read here, or one without the fields that its bits follow from.
    """
    stated = fields.get("quantization_config")
    if not isinstance(stated, Mapping):
        return None
    method = str(stated.get("quant_method", "")).lower()
    reader = _READERS.get(method)
    bits = reader(stated) if reader else None
    if bits is None:
        raise ValueError(
            f"the file's quantization_config of method {method or 'none'!r} is not read; name the format to serve in"
        )
    about = ", ".join(f"{name} {stated[name]}" for name in ("bits", "w_bit", "group_size", "fmt") if name in stated)
    return Format(method, bits, f"as the file's quantization_config says: {about or method}")


def _number(stated: Mapping[str, Any], *names: str) -> int | None:
    found = (stated.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), None)


def _grouped(stated: Mapping[str, Any]) -> float | None:
    """AWQ and GPTQ: a scale and a zero point of as many bits as a weight for each group; -1 is a whole row."""
    bits, group = _number(stated, "bits", "w_bit"), _number(stated, "group_size", "q_group_size")
    if bits is None or group is None:
        return None
    return float(bits) if group < 1 else group_bits(bits, group, scale=SCALE, zero=bits)


def _blocks(stated: Mapping[str, Any]) -> float | None:
    """fp8: one 32-bit scale for each block of a matrix, or for the whole of it."""
    block = stated.get("weight_block_size")
    if isinstance(block, list) and all(isinstance(side, int) and side > 0 for side in block) and block:
        weights = 1
        for side in block:
            weights *= side
        return group_bits(8, weights, scale=32)
    return weight_format("fp8").bits


def _bitsandbytes(stated: Mapping[str, Any]) -> float | None:
    if stated.get("load_in_4bit"):
        return nf4_bits(double=bool(stated.get("bnb_4bit_use_double_quant")))
    return weight_format("int8").bits if stated.get("load_in_8bit") else None


def _compressed(stated: Mapping[str, Any]) -> float | None:
    """compressed-tensors: read where all its groups store weights alike."""
    groups = stated.get("config_groups")
    if not isinstance(groups, Mapping):
        return None
    weights = [group.get("weights") for group in groups.values() if isinstance(group, Mapping)]
    first = weights[0] if weights else None
    if not isinstance(first, Mapping) or any(one != first for one in weights):
        return None
    bits, group = _number(first, "num_bits"), _number(first, "group_size")
    if bits is None:
        return None
    return group_bits(bits, group, scale=SCALE) if group and group > 0 else float(bits)


def _mxfp4(_: Mapping[str, Any]) -> float:
    """MXFP4: one 8-bit scale for each block of 32."""
    return group_bits(4, 32, scale=8)


_READERS: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = {
    "awq": _grouped,
    "gptq": _grouped,
    "fp8": _blocks,
    "finegrained_fp8": _blocks,
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed,
    "mxfp4": _mxfp4,
}
