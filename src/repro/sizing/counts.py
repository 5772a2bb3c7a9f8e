"""What notebooks take from this room, in one place; the modules themselves import from one another."""

from repro.sizing.adapters import (
    bottleneck_parameters,
    count_lora,
    ia3_parameters,
    linear_names,
    lora_parameters,
    prefix_parameters,
    prompt_parameters,
)
from repro.sizing.calculators import training_cost
from repro.sizing.diffusion import latent_saving, signal_left
from repro.sizing.experts import mixture_parameters, touched_share
from repro.sizing.memory.activations import activation_bytes
from repro.sizing.memory.cache import GB, GIB, cache_bytes, kv_cache_bytes
from repro.sizing.memory.precision import FORMATS, stored_bytes, weight_bytes, weight_format
from repro.sizing.memory.states import adapter_bytes, bubble_share, full_bytes, recipe, sharded_bytes
from repro.sizing.models.architecture import FeedForward
from repro.sizing.models.parameters import count_parameters, expert_parameters
from repro.sizing.operations.chinchilla import optimal_size
from repro.sizing.operations.cost import HOUR, PEAK_FLOPS, days, gpu_hours, petaflop_days, utilisation
from repro.sizing.operations.flops import adapter_step_flops, forward_flops, step_flops, training_flops
from repro.sizing.published import find_mixture, find_model, find_models, published, published_model
from repro.sizing.report import Use, sizes

__all__ = [
    "FORMATS",
    "GB",
    "GIB",
    "HOUR",
    "PEAK_FLOPS",
    "FeedForward",
    "Use",
    "activation_bytes",
    "adapter_bytes",
    "adapter_step_flops",
    "bottleneck_parameters",
    "bubble_share",
    "cache_bytes",
    "count_lora",
    "count_parameters",
    "days",
    "expert_parameters",
    "find_mixture",
    "find_model",
    "find_models",
    "forward_flops",
    "full_bytes",
    "gpu_hours",
    "ia3_parameters",
    "kv_cache_bytes",
    "latent_saving",
    "linear_names",
    "lora_parameters",
    "mixture_parameters",
    "optimal_size",
    "petaflop_days",
    "prefix_parameters",
    "prompt_parameters",
    "published",
    "published_model",
    "recipe",
    "sharded_bytes",
    "signal_left",
    "sizes",
    "step_flops",
    "stored_bytes",
    "touched_share",
    "training_cost",
    "training_flops",
    "utilisation",
    "weight_bytes",
    "weight_format",
]
