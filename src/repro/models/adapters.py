"""Low-rank adapters beside the matrices of a decoder's layers, by the library peft."""

from __future__ import annotations

from peft import LoraConfig, inject_adapter_in_model
from torch import nn

ADAPTER_SCALE = 32  # what adapters add is multiplied by this over their rank, as Schulman et al. have it
MATRICES = r"blocks\.\d+\.(attention|feed_forward)\.(query|key|value|output|up|gate|down)"


def add_adapters(model: nn.Module, rank: int, *, scale: int = ADAPTER_SCALE) -> nn.Module:
    """Put a low-rank adapter beside each matrix of a decoder's layers, in place, and let the adapters alone learn.

    An untrained adapter adds nothing, so the model says what it said before. What they start from is drawn from torch's
    shared generator: seed it first.

    Args:
        scale: alpha, over the rank the factor of what an adapter adds.

    Source: Hu et al. 2021 (arXiv:2106.09685); beside every matrix as Schulman et al. 2025 (LoRA Without Regret) advise.
    """
    adapters = LoraConfig(r=rank, lora_alpha=scale, target_modules=MATRICES)
    inject_adapter_in_model(adapters, model.requires_grad_(False))
    return model
