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
