"""Modules that a `quantization_config` leaves in 16 bits, named by a part of their path, with stars or without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repro.sizing.models.architecture import Architecture, Layer
from repro.sizing.models.matrices import Matrix

FIELDS = (  # each method has its own name for the list
    "modules_to_not_convert",
    "llm_int8_skip_modules",
    "ignore",
    "skip_modules",
    "linear_weights_not_to_quantize",
)
OUTSIDE = re.compile(
    r"lm_head|embed|visi|visual|vit|image|audio|projector|norm|head|classif|score|mtp|router|(^|\.)gate$"
)
PLACE = re.compile(r"(?:^|\.|\*)(?:layers?|h|blocks?)\.(\d+|\*)(?:[.*]+|$)")
MIXER = re.compile(r"attn|attention|mixer|mamba|ssm|conv")
OURS = {  # formulas name a matrix by what it does, files by its module
    "query": "q_proj",
    "key": "k_proj",
    "value": "v_proj",
    "output": "o_proj",
    "query_key_value": "qkv_proj",
    "query_down": "q_a_proj",
    "query_up": "q_b_proj",
    "kv_down": "kv_a_proj_with_mqa",
    "kv_up": "kv_b_proj",
    "router": "gate",
    "gate": "gate_proj",
    "up": "up_proj",
    "down": "down_proj",
    "gate_up": "gate_up_proj",
}


def spared_modules(stated: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that a `quantization_config` lists, whichever field has them."""
    lists = (stated.get(field) for field in FIELDS)
    return tuple(name for given in lists if isinstance(given, list) for name in given if isinstance(name, str))


@dataclass(frozen=True)
class Module:
    """A module as a file names it: the layer, if it names one, and the words after it; None where it cannot be read."""

    place: str | None
    words: tuple[str, ...] | None

    def covers(self, place: str, path: tuple[str, ...]) -> bool:
        """Whether a matrix of a layer is, or lies in, this module."""
        if self.words is None or self.place not in (None, place):
            return False
        return all(_has(path, word) for word in self.words) and bool(self.place or self.words)


def spared_weights(model: Architecture, names: tuple[str, ...]) -> int:
    """Weights of the layers' matrices, routers left out, that lie in modules of these names."""
    modules = [_module(name) for name in names]
    return sum(
        matrix.copies * matrix.inputs * matrix.outputs
        for place, layer in enumerate(model.layers if names else ())
        for path, matrix in _paths(layer)
        if matrix.name != "router" and any(module.covers(str(place), path) for module in modules)
    )


def unread_modules(model: Architecture, names: tuple[str, ...]) -> list[str]:
    """Names that fit no matrix of the layers, and nothing of what stays in 16 bits anyway."""
    inside = [name for name in names if not OUTSIDE.search(name)]
    layers = enumerate(model.layers if inside else ())
    paths = {(str(place), path) for place, layer in layers for path, _ in _paths(layer)}
    return [name for name in inside if not any(_module(name).covers(*path) for path in paths)]


def _paths(layer: Layer) -> Iterator[tuple[tuple[str, ...], Matrix]]:
    for part in layer.attentions:
        for matrix in part.matrices:
            yield ("self_attn", OURS.get(matrix.name, matrix.name)), matrix
    for matrix in layer.feed_forward.matrices:
        kind, _, name = matrix.name.partition("_")
        inside = {"expert": "experts", "shared": "shared_experts"}.get(kind)
        leaf = name if inside else matrix.name
        yield ("mlp", *((inside,) if inside else ()), OURS.get(leaf, leaf)), matrix


def _module(name: str) -> Module:
    """The module of a name, of a path with stars, or of the simplest regular expressions."""
    if name.startswith("re:"):
        name = name[3:].removeprefix("^").removesuffix("$").replace("\\.", ".").replace(".*", "*")
    if not re.fullmatch(r"[\w.*]*", name):
        return Module(None, None)  # other expressions are not run: a hostile one would take hours
    found = PLACE.search(name)
    rest = name[found.end() :] if found else re.sub(r"^\*?\.?(model|language_model|transformer)\.", "", name)
    words = tuple(stripped for word in rest.removesuffix(".weight").split(".") if (stripped := word.strip("*")))
    return Module(found[1] if found and found[1] != "*" else None, words)


def _has(path: tuple[str, ...], word: str) -> bool:
    """Whether a path has a word of a family's own for one of its parts."""
    if word in path:
        return True
    if word in ("shared_expert", "shared_mlp"):
        return "shared_experts" in path
    if MIXER.search(word) and "proj" not in word:
        return path[0] == "self_attn"
    return path[0] == "mlp" and word in ("feed_forward", "block_sparse_moe", "moe", "ffn")
