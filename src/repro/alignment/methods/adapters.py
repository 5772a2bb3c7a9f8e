"""Low-rank adapters beside the matrices of a decoder's layers, by peft.

Source: Hu et al. 2021 (arXiv:2106.09685); beside every matrix as Schulman et al. 2025 (LoRA Without Regret) advise.
"""

from __future__ import annotations

from peft import LoraConfig, inject_adapter_in_model
from torch import nn

SCALED = 32  # over the rank: by so much what adapters add is multiplied, as Schulman et al. have it
MATRICES = r"blocks\.\d+\.(attention|feed_forward)\.(query|key|value|output|up|gate|down)"


def with_adapters(model: nn.Module, rank: int) -> nn.Module:
    """The model itself, changed: adapters of this rank, scaled by 32 over it, learn, and nothing else does.

    At first they add nothing, so that it says what it said before.
    """
    kind = LoraConfig(r=rank, lora_alpha=SCALED, target_modules=MATRICES)
    inject_adapter_in_model(kind, model.requires_grad_(False))
    return model
