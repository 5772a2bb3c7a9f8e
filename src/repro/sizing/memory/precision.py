"""Bits that a weight takes on disk and in memory, scales and other constants included."""

from __future__ import annotations

from dataclasses import dataclass

from repro.sizing.memory.spared import spared_weights
from repro.sizing.models.architecture import Architecture
from repro.sizing.models.parameters import count_parameters

DTYPE_BITS = {"float64": 64, "float32": 32, "bfloat16": 16, "float16": 16}  # of a number, by torch's name of its type


def group_bits(bits: float, group: int, *, scale: float = 16, zero: float = 0) -> float:
    """Bits per weight of a format with one scale (and one zero point) for each group of weights.

    int4 in groups of 128 with 16-bit scales: 4.125; with 16-bit zero points too: 4.25; with packed 4-bit ones: 4.156.

    Source: Frantar et al. 2022 (arXiv:2210.17323), section 5; Lin et al. 2023 (arXiv:2306.00978).
    """
    return bits + (scale + zero) / group


def nf4_bits(*, block: int = 64, double: bool = True, outer: int = 256) -> float:
    """Bits per weight of 4-bit NormalFloat: 4.5 with a 32-bit constant per block, 4.127 if these are quantised again.

    Source: Dettmers et al. 2023 (arXiv:2305.14314), section 3.
    """
    return 4 + (8 / block + 32 / (block * outer) if double else 32 / block)


# Bytes and weights of a block of each GGUF type; source: ggml-common.h of llama.cpp, block_q2_K and so on.
GGUF_BLOCKS = {
    "q2_k": (84, 256),
    "q3_k": (110, 256),
    "q4_0": (18, 32),
    "q4_1": (20, 32),
    "q4_k": (144, 256),
    "q5_0": (22, 32),
    "q5_1": (24, 32),
    "q5_k": (176, 256),
    "q6_k": (210, 256),
    "q8_0": (34, 32),
    "mxfp4": (17, 32),
}


def gguf_bits(block: str) -> float:
    """Bits per weight of one GGUF block type; a file named after it may mix it with wider ones.

    Raises:
        ValueError: no block type has this name.
    """
    if block not in GGUF_BLOCKS:
        raise ValueError(f"no GGUF block is named {block!r}; known are {', '.join(GGUF_BLOCKS)}")
    size, weights = GGUF_BLOCKS[block]
    return 8 * size / weights


@dataclass(frozen=True)
class Format:
    """A way to store weights.

    whole: its bits hold for all parameters; else for the layers' matrices alone, while both tables of the vocabulary,
    positions, norms, biases and routers stay in 16 bits, as bitsandbytes and GPTQ leave them. spared: modules of the
    layers that stay in 16 bits too. matrix_bits: what each matrix takes beside its weights, of codebooks.
    """

    name: str
    bits: float
    about: str
    whole: bool = False
    spared: tuple[str, ...] = ()
    matrix_bits: float = 0.0


# Files of mixed blocks, whole; source: examples/quantize/README.md of llama.cpp, figures of Llama 2 7B.
_GGUF_FILES = {
    "q2_k": 3.35,
    "q3_k_m": 3.91,
    "q4_k_s": 4.58,
    "q4_k_m": 4.84,
    "q5_k_m": 5.68,
    "q6_k": 6.56,
}
FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("fp32", 32.0, "single precision", whole=True),
        Format("fp16", 16.0, "half precision", whole=True),
        Format("bf16", 16.0, "bfloat16", whole=True),
        Format("fp8", 8.0, "8-bit floats, one scale per matrix"),
        Format("int8", 8.0, "8-bit integers, one scale per row"),
        Format("int4", group_bits(4, 128, zero=16), "groups of 128 with 16-bit scale and zero point"),
        Format("nf4", nf4_bits(), "NormalFloat in blocks of 64, constants quantised again"),
        Format("nf4-single", nf4_bits(double=False), "NormalFloat in blocks of 64, 32-bit constants"),
        *(Format(name, bits, f"GGUF file {name.upper()}", whole=True) for name, bits in _GGUF_FILES.items()),
        Format("q8_0", gguf_bits("q8_0"), "GGUF file Q8_0", whole=True),
    )
}


def weight_format(name: str) -> Format:
    """A format by its name.

    Raises:
        ValueError: no format has this name.
    """
    if name not in FORMATS:
        raise ValueError(f"no format is named {name!r}; known are {', '.join(FORMATS)}")
    return FORMATS[name]


def weight_bytes(parameters: float, bits: float) -> float:
    """Bytes of so many parameters at so many bits each."""
    return parameters * bits / 8


def stored_bytes(model: Architecture, form: Format) -> float:
    """Bytes of a model's weights in a format, what it leaves in 16 bits included."""
    total, quantised = count_parameters(model).total, quantised_weights(model, form)
    return weight_bytes(quantised, stored_bits(model, form)) + weight_bytes(total - quantised, 16)


def quantised_weights(model: Architecture, form: Format) -> int:
    """Weights that take the format's bits; the others stay in 16."""
    if form.whole:
        return count_parameters(model).total
    return layer_weights(model) - spared_weights(model, form.spared)


def stored_bits(model: Architecture, form: Format) -> float:
    """Bits of each weight that is quantised, with its share of what its matrix takes beside."""
    quantised = quantised_weights(model, form)
    matrices = sum(matrix.copies for layer in model.all_layers for matrix in layer.matrices if matrix.name != "router")
    return form.bits + form.matrix_bits * matrices / quantised if quantised else form.bits


def layer_weights(model: Architecture) -> int:
    """Weights of the layers' matrices, routers and biases left out: what quantisation usually shrinks."""
    matrices = [matrix for layer in model.all_layers for matrix in layer.matrices if matrix.name != "router"]
    return sum(matrix.copies * matrix.inputs * matrix.outputs for matrix in matrices)
