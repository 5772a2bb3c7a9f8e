"""A reader's own pair of models, and a reader's own prompts: in a record by name and sha256, on disk by a link.

Weights and prompts stay where they are. A link to them, named by their sha256, lies in the folder of checkpoints, so
that a trial in another process finds them and a path never becomes part of a configuration.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.floor import places

if TYPE_CHECKING:
    from torch import Tensor

    from repro.models.transformer import Transformer

READ = ("*.safetensors", "*.json", "*.model", "*.txt")  # what of a hub's folder is fetched: no pickles, no code
MEGABYTE = 2**20


@dataclass(frozen=True)
class GivenModel:
    """A Llama: the last part of its `name`, the `sha256` of its configuration and weights, its `vocabulary`."""

    name: str
    sha256: str
    vocabulary: int


@dataclass(frozen=True)
class GivenPair:
    """Two Llamas over one vocabulary.

    Raises:
        ValueError: two vocabularies.
    """

    target: GivenModel
    draft: GivenModel

    def __post_init__(self) -> None:
        ours, theirs = self.target.vocabulary, self.draft.vocabulary
        if ours != theirs:
            raise ValueError(
                f"{self.target.name} has {ours} tokens and {self.draft.name} has {theirs}; a draft has to have the "
                "target's vocabulary, so give a smaller model of the same family"
            )


@dataclass(frozen=True)
class GivenPrompts:
    """The first `length` tokens of `count` lines of a file, after the first `skip`; empty lines do not count.

    Fields: `model` whose tokeniser cuts them; `sha256` of the file.
    """

    model: GivenModel
    sha256: str
    count: int
    length: int
    skip: int = 0

    def windows(self) -> Tensor:
        """Tokens (count, length).

        Raises:
            ValueError: too few lines, or lines too short.
        """
        import torch
        from transformers import AutoTokenizer

        cut = AutoTokenizer.from_pretrained(_linked(self.model.sha256), local_files_only=True)
        lines = _lines(_linked(self.sha256))
        if len(lines) < self.skip + self.count:
            raise ValueError(
                f"the file holds {len(lines)} prompts; {self.skip + self.count} are asked for: give more lines, or "
                "fewer with -p tuning and -p asked"
            )
        rows = [cut(line)["input_ids"] for line in lines[self.skip : self.skip + self.count]]
        if short := [number for number, row in enumerate(rows, start=1 + self.skip) if len(row) < self.length]:
            raise ValueError(
                f"prompt {short[0]} holds {len(rows[short[0] - 1 - self.skip])} tokens and {self.length} are read of "
                f"each ({len(short)} are too short): make it longer, or read fewer with -p prompt"
            )
        return torch.tensor([row[: self.length] for row in rows])


def given_pair(target: str, draft: str) -> GivenPair:
    """The pair in two folders, or by two names on the hub.

    Raises:
        FileNotFoundError: a folder that is not there, or holds no safetensors.
        ValueError: no draft, or two vocabularies.
    """
    if not draft:
        raise ValueError("a target without a draft; give -p draft a folder or a name on the hub as well")
    return GivenPair(*(_given_model(name) for name in (target, draft)))


def given_prompts(file: str, model: GivenModel, *, count: int, length: int, skip: int = 0) -> GivenPrompts:
    """Prompts in a text file, one a line.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no file is named, or it holds no prompt.
    """
    if not file:
        raise ValueError("a pair of your own needs prompts of your own; give -p prompts a file with one a line")
    path = Path(file).expanduser().absolute()
    if not path.is_file():
        raise FileNotFoundError(f"no file {file}; -p prompts wants a text file with one prompt a line")
    if not _lines(path):
        raise ValueError(f"{file} holds no prompt; write one a line")
    return GivenPrompts(model, _link(path, [path]), count, length, skip)


def models_of(pair: GivenPair) -> tuple[Transformer, Transformer]:
    """Target and draft, read in single precision.

    Raises:
        ValueError: a Llama with parts that our decoder does not have.
    """
    from repro.models.llama import from_llama

    return from_llama(_linked(pair.target.sha256)), from_llama(_linked(pair.draft.sha256))


def _given_model(name: str) -> GivenModel:
    folder = _folder(name)
    weights, config = sorted(folder.glob("*.safetensors")), folder / "config.json"
    if not weights or not config.is_file():
        raise FileNotFoundError(f"{name} holds no *.safetensors with a config.json; save_pretrained writes both")
    vocabulary = int(json.loads(config.read_text(encoding="utf-8"))["vocab_size"])
    return GivenModel(Path(name).name, _link(folder, [config, *weights]), vocabulary)


def _folder(name: str) -> Path:
    folder = Path(name).expanduser().absolute()
    if folder.is_dir():
        return folder
    if name.count("/") != 1 or name.startswith((".", "~", "/")):
        raise FileNotFoundError(f"no folder {name}; give a folder with a Llama, or its name on the hub, owner/model")
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, allow_patterns=[*READ]))


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _linked(sha256: str) -> Path:
    link = _links() / sha256
    if not link.exists():
        raise FileNotFoundError(f"what has sha256 {sha256[:12]}... is no longer where it was; give its path again")
    return link.resolve()


def _link(path: Path, files: list[Path]) -> str:
    """Make the link to a path; gives the sha256 over the files."""
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while part := opened.read(MEGABYTE):
                whole.update(part)
    link = _links() / whole.hexdigest()
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_suffix(f".{os.getpid()}")
    fresh.symlink_to(path)
    fresh.replace(link)
    return whole.hexdigest()


def _links() -> Path:
    return places.checkpoints() / "given"
