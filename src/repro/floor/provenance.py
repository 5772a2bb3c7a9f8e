"""Provenance: what a result was made with. It is shown and compared, and is never part of an identity."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from repro.floor import places

watched = (
    *("numpy", "scipy", "pandas", "statsmodels", "torch", "transformers", "trl", "peft", "accelerate"),
    *("tokenizers", "tiktoken", "sentencepiece"),
)


@cache
def commit() -> str | None:
    """The checkout's commit, with "+" where source files differ from it.

    Outside git it is what REPRO_COMMIT says, for a bare copy of a checkout; without that, None.
    """
    try:
        here = places.root()
        head = _git("rev-parse", "--short=12", "HEAD", cwd=str(here))
        changed = _git("status", "--porcelain", "--", "src", "experiments", cwd=str(here))
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("REPRO_COMMIT") or None
    return head + ("+" if changed else "")


def _git(*words: str, cwd: str) -> str:
    # Without the lock that `git status` takes to note what it saw: a kill would leave it, and no commit could be made.
    words = ("--no-optional-locks", *words)
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()


def library_files(others: Iterable[Path] = ()) -> list[str]:
    """The checkout's own files that this process has loaded modules from, and `others`, relative to the checkout."""
    root = places.root().resolve()
    loaded = (Path(name) for module in [*sys.modules.values()] if (name := getattr(module, "__file__", None)))
    paths = {path.resolve() for path in [*loaded, *others]}
    return sorted(path.relative_to(root).as_posix() for path in paths if path.is_relative_to(root / "src"))


def packages() -> dict[str, str]:
    """Versions of the numerical packages that this process has imported."""
    return {name: metadata.version(name) for name in watched if name in sys.modules}


@cache
def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def device() -> str:
    """The accelerator that torch sees, where torch is imported, else the processor."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return processor()


def machine() -> dict[str, object]:
    """Python, system, device, cores and threads of this process."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": device(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }


def provenance() -> dict[str, object]:
    """Commit, packages and machine, as a record keeps them."""
    return {"commit": commit(), "packages": packages(), **machine()}
