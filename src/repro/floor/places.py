"""Where things lie. Each place has one environment variable; nothing else in the package knows a folder."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """The checkout: the nearest folder at or above the working directory, else above this file, with `experiments/`.

    Raises:
        FileNotFoundError: neither lies in a checkout.
    """
    for start in (Path.cwd(), Path(__file__).resolve()):
        for folder in (start, *start.parents):
            if (folder / "experiments").is_dir() and (folder / "pyproject.toml").is_file():
                return folder
    raise FileNotFoundError(f"{Path.cwd()} lies in no checkout (a folder with experiments/ and pyproject.toml)")


def experiments() -> Path:
    """Chapters: notebooks, claims and scales."""
    return root() / "experiments"


def results() -> Path:
    """Records and verdicts; REPRO_RESULTS names another folder than the checkout's results/."""
    named = os.environ.get("REPRO_RESULTS")
    return Path(named).expanduser().absolute() if named else root() / "results"


def data_folders() -> list[Path]:
    """Folders that may hold public tables, from REPRO_DATA (several are separated as in PATH)."""
    named = os.environ.get("REPRO_DATA", "")
    return [Path(part).expanduser().absolute() for part in named.split(os.pathsep) if part]


def cache() -> Path:
    """What may be deleted at any time: fetched tables, a reader's own runs by hash. REPRO_CACHE moves it."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "repro"
    return Path(os.environ.get("REPRO_CACHE") or base).expanduser().absolute()


def checkpoints() -> Path:
    """Weights trained here, by key, out of git; REPRO_CHECKPOINTS moves it."""
    return Path(os.environ.get("REPRO_CHECKPOINTS") or cache() / "checkpoints").expanduser().absolute()
