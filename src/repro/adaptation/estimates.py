"""The bytes that a step should need by the project's calculators, and the peak of steps too large to take."""

from __future__ import annotations

import pandas as pd

from repro.adaptation.configurations import OneStep
from repro.models.decoder import Decoder
from repro.sizing.adapters import count_lora, linear_names
from repro.sizing.families import architecture
from repro.sizing.memory.activations import activation_bytes
from repro.sizing.memory.precision import Format, stored_bytes, weight_format
from repro.sizing.memory.states import adapter_bytes, full_bytes, recipe
from repro.sizing.models.architecture import Architecture
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import published_model

RECIPE = {"bfloat16": "bf16", "float32": "fp32"}  # weights, gradients and moments of what is trained
HALF = 2  # bytes


def llama_shape(width: int, layers: int, *, head_width: int = 32, vocabulary: int = 256, context: int = 512) -> Decoder:
    """A small Llama with LLaMA-65B's proportions: 43 features of the feed-forward part for 16 of the width."""
    return Decoder(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=width // head_width,
        hidden=width * 43 // 16,
        context=context,
        tied=False,
    )


def published_shape(name: str) -> Decoder:
    """The shape of a published Llama, by its name in the calculators."""
    model = published_model(name)
    layer = model.layers[0]
    return Decoder(
        vocabulary=model.vocabulary,
        width=model.width,
        layers=len(model.layers),
        heads=layer.attention.heads,
        kv_heads=layer.attention.kv_heads,
        hidden=layer.feed_forward.hidden,
        context=model.positions or 2048,
        tied=model.tied,
    )


def sized(shape: Decoder) -> Architecture:
    """The architecture of a shape, as the calculators take it."""
    return architecture(
        {
            "model_type": "llama",
            "vocab_size": shape.vocabulary,
            "hidden_size": shape.width,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.key_value_heads,
            "intermediate_size": shape.feed_forward_width,
            "max_position_embeddings": shape.context,
            "tie_word_embeddings": shape.tied,
        }
    )


def state_bytes(config: OneStep) -> float:
    """Bytes that a step holds from its beginning to its end: weights, and gradients and moments of what is trained."""
    model, states = sized(config.shape), recipe(RECIPE[config.trained])
    total = count_parameters(model).total
    if not config.base:
        return full_bytes(total, states)
    form: Format = weight_format("bf16" if config.base == "bfloat16" else "nf4")
    adapters = count_lora(model, config.rank, linear_names(model))
    return adapter_bytes(total, adapters, frozen_bits=8 * stored_bytes(model, form) / total, states=states)


def passing_bytes(config: OneStep) -> float:
    """Bytes that come and go in a step: activations, each layer recomputed, and the largest matrix in 16 bits."""
    model = sized(config.shape)
    largest = max(matrix.inputs * matrix.outputs for layer in model.layers for matrix in layer.matrices)
    return activation_bytes(model, config.tokens, recompute="full") + HALF * largest


def beside_the_law(steps: pd.DataFrame, configs: list[OneStep]) -> pd.DataFrame:
    """Measured steps beside the calculators, a row per step, in bytes: state and passing, predicted and measured.

    `over` is the ratio of the passing bytes, measured over predicted.
    """
    table = pd.DataFrame(
        {
            "predicted state": [state_bytes(config) for config in configs],
            "predicted passing": [passing_bytes(config) for config in configs],
            "state": list(measured_state(steps)),
            "peak": list(steps["peak"]),
        }
    )
    table["passing"] = table["peak"] - table["state"]
    return table.assign(over=table["passing"] / table["predicted passing"])


def measured_state(steps: pd.DataFrame) -> pd.Series:
    """Bytes of weights, of what is trained, of its gradients and its moments, per step of a sweep."""
    return steps[["weight_bytes", "trained_bytes", "gradient_bytes", "moment_bytes"]].sum(axis=1)


def steps_of(shape: Decoder, tokens: int, device: str, base: str = "nf4") -> list[OneStep]:
    """Two steps with adapters of rank width / 128 (64 for LLaMA-65B): the adapters in 16 bits, and in 32."""
    return [
        OneStep(shape=shape, base=base, rank=shape.width // 128, trained=precision, tokens=tokens, device=device)
        for precision in RECIPE
    ]


def full_steps(shape: Decoder, tokens: int, device: str) -> list[OneStep]:
    """Two steps that train every weight: in 16 bits, and in 32."""
    return [
        OneStep(shape=shape, base="", rank=0, trained=precision, tokens=tokens, device=device) for precision in RECIPE
    ]


def foretold_peak(config: OneStep, over: float) -> float:
    """The peak of a step that was not taken: its state, and `over` times the passing bytes of the calculators.

    `over` comes from steps that were measured, as `beside_the_law` gives it.
    """
    return state_bytes(config) + over * passing_bytes(config)
