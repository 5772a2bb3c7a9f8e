"""Reading a built model: its layers' matrices, experts and norms, by the names and shapes of its modules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.sizing.built.kept import Kept
from repro.sizing.models.architecture import Layer
from repro.sizing.models.matrices import Latent, Matrix
from repro.sizing.models.parts import Maps, Mixer

if TYPE_CHECKING:
    from torch import nn

FEED_FORWARD = re.compile(
    r"(^|\.)(mlp|ffn?|feed_?forward|fc\d?|moe|block_sparse_moe|experts?|shared_\w*|router|gate|up_proj|down_proj|"
    r"gate_proj|gate_up_proj|w[123]|wi(_\d)?|wo|dense\w*dense|dense_h_to_4h|dense_4h_to_h|linear_?[12]|intermediate|"
    r"channel_mixer|lin[12]|output)(\.|$)",
    re.IGNORECASE,
)
MIXING = re.compile(r"(^|\.)(\w*att\w*|mamba|mixer|conv|temporal_block|ssm)(\.|$)", re.IGNORECASE)
NORM = re.compile(r"norm|(^|\.)ln(_|\d|$)|layer_?norm", re.IGNORECASE)
TOP_K = ("top_k", "num_experts_per_tok", "moe_top_k", "topk", "top_k_experts", "num_selected_experts", "moe_k")


@dataclass(frozen=True)
class Routing:
    """The experts of one layer, and how many of them a token goes through; (0, 0) in a dense layer."""

    experts: int = 0
    active: int = 0


@dataclass(frozen=True)
class Heads:
    """A model's query heads, and where keys and values come out of latents, their widths and those latents."""

    number: int
    key_width: int = 0
    value_width: int = 0
    latent: Latent | None = None


def read_layer(module: nn.Module, kept: Kept, heads: Heads, *, width: int) -> Layer:
    """One layer of a built model.

    Args:
        kept: what it keeps of each token.
        heads: query heads, where it has attention.
        width: of the model.

    Raises:
        ValueError: it has experts, and nothing says how many of them a token goes through.
    """
    routing = _routing(module)
    matrices = {True: list[Matrix](), False: list[Matrix]()}  # in the feed-forward part, or between tokens
    counted = 0
    for path, matrix in _matrices(module, routing, width):
        matrices[_is_feed_forward(path)].append(matrix)
        counted += matrix.parameters
    scales = {path: p.numel() for path, p in module.named_parameters() if NORM.search(path) and p.dim() == 1}
    norms = sum(scales.values())
    whole = [path for path, size in scales.items() if size == width and path.endswith("weight")]  # not of one head
    shifted = any(path.removesuffix("weight") + "bias" in scales for path in whole)
    looking = kept.key_heads > 0
    mixer = Mixer(
        width,
        tuple(matrices[False]),
        heads=heads.number if looking else 0,
        kv_heads=(heads.number if heads.latent else kept.key_heads) if looking else 0,
        key_width=heads.key_width if heads.latent and looking else kept.key_width,
        value_width=heads.value_width if heads.latent and looking else kept.value_width,
        latent=heads.latent if looking else None,
        window=kept.window,
        cached_width=kept.cached_width,
        norm_parameters=norms - len(whole) * (1 + shifted) * width,
    )
    total = sum(parameter.numel() for parameter in module.parameters())
    maps = Maps(width, tuple(matrices[True]), routing.experts, routing.active)
    other = total - counted - norms
    return Layer(mixer, maps, len(whole), shifted, other_parameters=other, state=kept.state)


def _is_feed_forward(path: str) -> bool:
    """By the path's own words: `mixer.experts.up_proj` is, `self_attn.o_proj` is not."""
    between, alone = MIXING.search(path), FEED_FORWARD.search(path)
    if between and alone:  # a mixture may lie in a module called mixer, a gate in one called attention
        return "expert" in path or "shared" in path or between.start() > alone.start()
    return alone is not None


def _matrices(module: nn.Module, routing: Routing, width: int) -> Iterator[tuple[str, Matrix]]:
    """(path, matrix) of every linear map, those that differ in a number of their path alone as copies of one."""
    shapes: dict[tuple[str, int, int, bool], int] = defaultdict(int)
    for path, inputs, outputs, bias, copies in _maps(module, routing, width):
        shapes[re.sub(r"\.\d+\.", ".", path), inputs, outputs, bias] += copies
    for (path, inputs, outputs, bias), copies in shapes.items():
        name, used = _role(path, copies, outputs, routing)
        yield path, Matrix(name, inputs, outputs, bias, copies, used)


def _role(path: str, copies: int, outputs: int, routing: Routing) -> tuple[str, int]:
    """What a map is called in a layer, and how many of its copies a token goes through."""
    leaf = path.rsplit(".", 1)[-1]
    if "shared" in path:
        return f"shared_{leaf}", copies
    if routing.experts and re.search(r"(^|\.)experts?(\.|$)", path) and copies % routing.experts == 0:
        return f"expert_{leaf}", routing.active * (copies // routing.experts)
    if routing.experts and outputs == routing.experts and re.search(r"gate|router", path):
        return "router", copies
    return leaf, copies


def _maps(module: nn.Module, routing: Routing, width: int) -> Iterator[tuple[str, int, int, bool, int]]:
    """(path, inputs, outputs, biased, copies) of each parameter that is a linear map."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    for path, inner in module.named_modules():
        own = dict(inner.named_parameters(recurse=False))
        if isinstance(inner, nn.modules.conv._ConvNd | nn.Embedding):
            continue
        for name, parameter in own.items():
            if name.endswith("bias") or NORM.search(name) or NORM.search(path.rsplit(".", 1)[-1]):
                continue
            whole = path if name == "weight" else f"{path}.{name}".lstrip(".")
            bias = own.get("bias")
            if parameter.dim() == 2 and name == "weight":
                turned = isinstance(inner, Conv1D)
                outputs, inputs = parameter.shape[::-1] if turned else parameter.shape
                yield whole, inputs, outputs, bias is not None and bias.shape == (outputs,), 1
            elif parameter.dim() == 3 and routing.experts and parameter.shape[0] == routing.experts:
                yield whole, *_sides(name, parameter.shape, width), False, routing.experts


def _sides(name: str, shape: Any, width: int) -> tuple[int, int]:
    """(inputs, outputs) of a stack of experts' maps, whichever way round it is kept."""
    hidden = shape[1] if shape[2] == width else shape[2]
    return (hidden, width) if re.search(r"down|w2|output", name) else (width, hidden)


def _routing(module: nn.Module) -> Routing:
    experts = active = 0
    for path, inner in module.named_modules():
        if not re.search(r"expert|moe|mlp|feed_forward|gate|router|mixer|^$", path):
            continue
        experts = max(experts, _number(inner, ("num_experts", "n_routed_experts", "num_local_experts")))
        named = re.search(r"Top(\d+)Router", type(inner).__name__)  # of Switch Transformers and NLLB
        told = _number(inner, TOP_K) or _number(getattr(inner, "config", None), TOP_K)
        active = max(active, told, int(named[1]) if named else 0)
    if experts and not any("expert" in path for path, _ in module.named_parameters()):
        return Routing()  # a dense layer of a model that has experts in others
    if experts and not active:
        raise ValueError(f"it has {experts} experts, and no module says how many of them a token goes through")
    return Routing(experts, min(active, experts))


def _number(holder: object, names: tuple[str, ...]) -> int:
    found = (getattr(holder, name, None) for name in names)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), 0)
