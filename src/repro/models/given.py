"""A reader's own models and files: in a record by name and sha256, on disk by a link.

What is given stays where it is. A link to it, named by its sha256, lies in the folder of checkpoints, so that a trial
in another process finds it and a path never becomes part of a configuration.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repro.floor import places

# The files of a folder on the hub that are fetched: no pickles, no code.
READ = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
HASHED = ("config.json", "*.safetensors", "token*.json", "*.model", "vocab.*", "merges.txt", "*.jinja")
MEGABYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class GivenModel:
    """A reader's own model, known by the last part of its `name` and the `sha256` of its files."""

    name: str
    sha256: str
    vocabulary: int

    def folder(self) -> Path:
        """The folder in which it lies."""
        return linked(self.sha256)


def given_model(name: str) -> GivenModel:
    """The model in a folder, or by its name on the hub.

    Raises:
        FileNotFoundError: a folder that is not there, or holds no safetensors.
    """
    folder = _folder(name)
    config = folder / "config.json"
    if not sorted(folder.glob("*.safetensors")) or not config.is_file():
        raise FileNotFoundError(f"{name} holds no *.safetensors with a config.json; save_pretrained writes both")
    vocabulary = int(json.loads(config.read_text(encoding="utf-8"))["vocab_size"])
    files = sorted({file for pattern in HASHED for file in folder.glob(pattern)})
    return GivenModel(name=Path(name).name, sha256=link(folder, files), vocabulary=vocabulary)


def _folder(name: str) -> Path:
    folder = Path(name).expanduser().absolute()
    if folder.is_dir():
        return folder
    if not on_hub(name):
        raise FileNotFoundError(f"no folder {name}; give a folder with a Llama, or its name on the hub, owner/model")
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, allow_patterns=[*READ]))


def on_hub(name: str) -> bool:
    """Whether a name may be one on the hub: owner/name."""
    return name.count("/") == 1 and not name.startswith((".", "~", "/"))


def linked(sha256: str) -> Path:
    """The path that the link of this sha256 leads to.

    Raises:
        FileNotFoundError: it is no longer there.
    """
    place = links() / sha256
    if not place.exists():
        raise FileNotFoundError(f"what has sha256 {sha256[:12]}... is no longer where it was; give its path again")
    return place.resolve()


def link(path: Path, files: Iterable[Path]) -> str:
    """Make the link to a path, and return the sha256 over the files, by which it is named."""
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while part := opened.read(MEGABYTE):
                whole.update(part)
    place = links() / whole.hexdigest()
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}")
    draft.symlink_to(path.resolve())
    draft.replace(place)
    return whole.hexdigest()


def links() -> Path:
    """The folder of links."""
    return places.checkpoints() / "given"
