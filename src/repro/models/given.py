"""A reader's own models and files: in a record by name and sha256, on disk by a link.

What is given stays where it is. A link to it, named by its sha256, lies in the folder of checkpoints, so that a trial
in another process finds it and a path never becomes part of a configuration.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.floor import places

if TYPE_CHECKING:
    from repro.models.library.folders import Described

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

    def described(self) -> Described:
        """What its files say of it."""
        from repro.models.library.folders import describe

        return describe(self.folder(), self.name)

    def unlike_ours(self) -> list[str]:
        """What of its configuration our decoder cannot represent, in words; empty: both have the same logits."""
        from repro.models.library.folders import quiet

        with quiet():
            from transformers import AutoConfig

            from repro.models.llama import unlike_ours

            return unlike_ours(AutoConfig.from_pretrained(self.folder(), local_files_only=True))


def given_model(name: str, *, classifies: bool = False) -> GivenModel:
    """The model in a folder, or by its name on the hub, once its files say that it can be opened.

    Args:
        classifies: a sequence classifier, instead of a language model.

    Raises:
        FileNotFoundError: a folder or a file of it that is not there.
        ValueError: another kind of model, or files that are broken or do not fit each other.
    """
    from repro.models.library.folders import describe

    folder = _folder(name)
    short = Path(name).name
    vocabulary = describe(folder, short, classifies=classifies).vocabulary
    files = sorted({file for pattern in HASHED for file in folder.glob(pattern)})
    return GivenModel(name=short, sha256=link(folder, files), vocabulary=vocabulary)


def _folder(name: str) -> Path:
    folder = Path(name).expanduser().absolute()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise FileNotFoundError(f"{name} is a file; give the folder with config.json and *.safetensors")
    if not on_hub(name):
        raise FileNotFoundError(f"no folder {name}; give a folder with a model, or its name on the hub, owner/model")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=[*READ]))
    except Exception as error:  # the hub's library has many kinds of failure
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileNotFoundError(f"no folder {name}, and the hub gives no model of this name ({told})") from error


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
