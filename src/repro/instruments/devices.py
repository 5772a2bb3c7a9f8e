"""Where tensors are."""

from __future__ import annotations

import torch


def present(device: str) -> str:
    """The device itself.

    Raises:
        ValueError: it is not here.
    """
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"device is {device!r}, which is not here; expected cpu, or cuda where torch sees a GPU")
    return device
