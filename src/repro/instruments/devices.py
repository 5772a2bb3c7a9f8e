"""Where tensors are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def present(device: str) -> str:
    """The device itself.

    Raises:
        ValueError: it is not here.
    """
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"device is {device!r}, which is not here; expected cpu, or cuda where torch sees a GPU")
    return device


@contextmanager
def on(device: str) -> Iterator[None]:
    """Make all new tensors on a device.

    Raises:
        ValueError: it is not here.
    """
    with torch.device(present(device)):
        yield


@contextmanager
def attention_of_any_length() -> Iterator[None]:
    """Keep attention from cuDNN's kernel, which plans anew for every length: a decoder meets a new one per token."""
    before = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


@contextmanager
def training_on(device: str) -> Iterator[None]:
    """Make all new tensors on a device, where a GPU multiplies numbers of 32 bits in TF32: 10 bits after the point.

    Raises:
        ValueError: it is not here.
    """
    products = torch.backends.cuda.matmul
    before = products.allow_tf32
    with on(device):
        products.allow_tf32 = device == "cuda"
        try:
            yield
        finally:
            products.allow_tf32 = before
