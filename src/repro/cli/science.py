"""The rooms of science that hold measurements; importing them registers every measurement."""

from __future__ import annotations

import importlib
import pkgutil

import repro.fits

rooms = (repro.fits,)


def import_measurements() -> None:
    """Import every module of these rooms, so that a record can be told from a stale one."""
    for room in rooms:
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
