"""Parameters that parameter-efficient fine-tuning trains."""

from __future__ import annotations

from collections.abc import Iterable

from repro.sizing.models.architecture import Architecture


def lora_parameters(inputs: int, outputs: int, rank: int) -> int:
    """Of one matrix: r (d_in + d_out), so 2 d r if it is square.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1.
    """
    return rank * (inputs + outputs)


def count_lora(model: Architecture, rank: int, targets: Iterable[str], *, used: bool = False) -> int:
    """LoRA's parameters on the named matrices of every layer, each copy of an expert its own.

    Args:
        model: what is adapted.
        rank: of every adapter.
        targets: names such as query, value, down; `linear_names` gives those that a model has.
        used: count only the experts that one token goes through.

    Raises:
        ValueError: no layer has a matrix of that name.
    """
    wanted, known = set(targets), linear_names(model)
    if wanted - set(known):
        raise ValueError(
            f"{model.name} has no matrix {', '.join(sorted(wanted - set(known)))}; its matrices are {', '.join(known)}"
        )
    return sum(
        (matrix.used if used else matrix.copies) * lora_parameters(matrix.inputs, matrix.outputs, rank)
        for layer in model.all_layers
        for matrix in layer.matrices
        if matrix.name in wanted
    )


def linear_names(model: Architecture) -> tuple[str, ...]:
    """The names of a model's matrices inside layers, routers left out, in their order."""
    names = (matrix.name for layer in model.all_layers for matrix in layer.matrices)
    return tuple(dict.fromkeys(name for name in names if name != "router"))


def bottleneck_parameters(*, width: int, bottleneck: int, layers: int, each: int = 2, biases: bool = True) -> int:
    """Bottleneck adapters, `each` of them in a layer: 2 d m weights and d + m biases.

    Source: Houlsby et al. 2019 (arXiv:1902.00751), section 2.1.
    """
    return layers * each * (2 * width * bottleneck + (width + bottleneck if biases else 0))


def prefix_parameters(*, layers: int, length: int, kv_width: int) -> int:
    """Prefix tuning: a key and a value for each prefix token and layer; kv_width is heads times their width.

    Source: Li & Liang 2021 (arXiv:2101.00190), section 4.
    """
    return 2 * layers * length * kv_width


def prompt_parameters(*, length: int, width: int) -> int:
    """Prompt tuning: soft tokens at the input alone.

    Source: Lester et al. 2021 (arXiv:2104.08691), section 2.
    """
    return length * width


def ia3_parameters(*, layers: int, key: int, value: int, hidden: int) -> int:
    """IA3: one scale for each feature of keys, values and the hidden feed-forward row.

    Source: Liu et al. 2022 (arXiv:2205.05638), section 3.3.
    """
    return layers * (key + value + hidden)
