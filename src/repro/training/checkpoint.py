"""Checkpoints: the whole state of a run in one safetensors file, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

Facts = dict[str, Any]


def save(path: Path, tensors: dict[str, Tensor], facts: Facts) -> None:
    """Write tensors and plain facts; a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(suffix=".draft", dir=path.parent)
    os.close(handle)
    try:
        whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(whole, draft, metadata={"facts": json.dumps(facts)})
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def load(path: Path) -> tuple[dict[str, Tensor], Facts] | None:
    """The tensors and facts that `save` wrote, or None if there is no file, or a damaged one, which is then removed."""
    try:
        with safe_open(path, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
            return tensors, json.loads(opened.metadata()["facts"])
    except FileNotFoundError:
        return None
    except (SafetensorError, KeyError, TypeError, ValueError):
        path.unlink()
        return None
