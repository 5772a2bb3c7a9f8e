"""A reader's own pair of models, and a reader's own prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.models.given import GivenModel, given_model, link, linked

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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

        cut = AutoTokenizer.from_pretrained(self.model.folder(), local_files_only=True)
        lines = _lines(linked(self.sha256))
        if len(lines) < self.skip + self.count:
            raise ValueError(
                f"the file holds {len(lines)} prompts; {self.skip + self.count} are asked for: give more lines, or "
                "fewer with -p tuning, -p asked and -p judged"
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
    return GivenPair(target=given_model(target), draft=given_model(draft))


def given_prompts(file: str, model: GivenModel, *, count: int, length: int, skip: int = 0) -> GivenPrompts:
    """Prompts in a text file, one per line.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no file is named, or it holds no prompt.
    """
    if not file:
        raise ValueError("a pair of your own needs prompts of your own; give -p prompts a file with one per line")
    path = Path(file).expanduser().absolute()
    if not path.is_file():
        raise FileNotFoundError(f"no file {file}; -p prompts wants a text file with one prompt per line")
    if not _lines(path):
        raise ValueError(f"{file} holds no prompt; write one per line")
    return GivenPrompts(model=model, sha256=link(path, [path]), count=count, length=length, skip=skip)


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
