"""How a file says that its weights are stored: its `quantization_config` as a format with its constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.sizing.memory.codebooks import aqlm, vptq
from repro.sizing.memory.methods import bits_of
from repro.sizing.memory.precision import Format
from repro.sizing.memory.spared import spared_modules

PLACES = ("quantization_config", "compression_config")  # the second is the older name of compressed-tensors
SAID = ("bits", "w_bit", "nbits", "group_size", "fmt", "format", "weights", "quant_type")  # shown where they are short


class FormatUnread(ValueError):
    """A file that says how its weights are stored, in a way that is not read here."""


def stored_format(fields: Mapping[str, Any]) -> Format | None:
    """The format that a configuration's `quantization_config` names, its own or its text model's; None if it has none.

    Bits are those of weight, scale and zero point: 4-bit AWQ in groups of 128 takes 4 + 16/128 + 4/128.

    Raises:
        FormatUnread: a method that is not read here, or one without the fields that its bits follow from.
    """
    inner = fields.get("text_config")
    holders = (fields, inner) if isinstance(inner, Mapping) else (fields,)
    stated = next((holder[place] for holder in holders for place in PLACES if holder.get(place)), None)
    if stated is None:
        return None
    if not isinstance(stated, Mapping):
        raise FormatUnread(f"the file's quantization_config is a {type(stated).__name__} and is not read")
    method = _method(stated)
    bits, beside = _bits(method, stated)
    if bits is None:
        raise FormatUnread(f"the file's quantization_config of method {method or 'none'!r} is not read")
    about = ", ".join(f"{name} {stated[name]}" for name in SAID if isinstance(stated.get(name), str | int))
    return Format(
        name=method,
        bits=bits,
        about=f"as the file's quantization_config says: {about or method}",
        spared=spared_modules(stated),
        matrix_bits=beside,
    )


def _method(stated: Mapping[str, Any]) -> str:
    named = stated.get("quant_method")
    if isinstance(named, str):
        return named.lower()
    old = stated.get("load_in_4bit") or stated.get("load_in_8bit")  # files of 2023 name no method
    return "bitsandbytes" if named is None and old else ""


def _bits(method: str, stated: Mapping[str, Any]) -> tuple[float | None, float]:
    """(bits per weight, bits per matrix beside them)."""
    if method in ("aqlm", "vptq"):
        return (aqlm if method == "aqlm" else vptq)(stated) or (None, 0.0)
    return bits_of(method, stated), 0.0
