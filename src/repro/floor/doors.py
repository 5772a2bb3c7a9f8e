"""Doors: the modules that register measurements, found by their decorator and loaded by their paths."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def measuring_modules() -> list[str]:
    """The dotted name of each module that registers a measurement; the others may need torch, these may not."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if re.search(r"^@measurement\(", path.read_text(), re.M)]
    return [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths]


def import_measurements() -> None:
    """Register every measurement, so that a record can be told from a stale one."""
    for module in measuring_modules():
        importlib.import_module(module)
