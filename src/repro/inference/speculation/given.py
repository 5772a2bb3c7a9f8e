"""A reader's own pair of models, and a reader's own prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repro.floor.identity import added
from repro.models.given import GivenModel, given_model, link, linked

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor


OURS, LIBRARY = "our decoder", "transformers"


@dataclass(frozen=True, kw_only=True)
class GivenPair:
    """Two language models of one tokeniser.

    Fields: `by` what runs both, so that they are timed alike: `LIBRARY` where our decoder cannot represent one of them.
    """

    target: GivenModel
    draft: GivenModel
    by: str = added(OURS)

    @property
    def vocabulary(self) -> int:
        """Tokens that both know: the first ones, where one vocabulary is padded to a larger size."""
        return min(self.target.vocabulary, self.draft.vocabulary)

    @property
    def scope(self) -> str:
        """What times of this pair speak for."""
        return f"{self.target.name} with {self.draft.name} as its draft, run by {self.by}"


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

        from repro.models.library.vocabularies import tokeniser_of

        cut = tokeniser_of(self.model.folder(), self.model.name)
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
        FileNotFoundError: a folder, or a file of it, that is not there.
        ValueError: no draft, no language model, or other words.
    """
    from repro.models.library.vocabularies import refuse_other_words

    if not draft:
        raise ValueError("a target without a draft; give -p draft a folder or a name on the hub as well")
    pair = GivenPair(target=given_model(target), draft=given_model(draft))
    ours, theirs = pair.target, pair.draft
    refuse_other_words((ours.name, ours.folder()), (theirs.name, theirs.folder()), pair.vocabulary)
    return replace(pair, by=LIBRARY) if ours.unlike_ours() or theirs.unlike_ours() else pair


def described_pair(pair: GivenPair) -> pd.DataFrame:
    """What each model of a pair is and how it is run, a row per model; `note` says what sets it apart."""
    rows = []
    for role, side in (("target", pair.target), ("draft", pair.draft)):
        found, unlike = side.described(), side.unlike_ours()
        notes = [f"our decoder does not have {', '.join(unlike)}"] if unlike else []
        if not found.forgets:
            notes.append("no cache that forgets, so each pass reads the whole text again")
        if side.vocabulary > pair.vocabulary:
            notes.append(f"tokens from {pair.vocabulary} on get no probability, the other model lacks them")
        if found.unused:
            notes.append(f"{len(found.unused)} tensors have no place in it and are not read, first {found.unused[0]}")
        named = {"model": f"{role}: {side.name}", "family": found.family, "run by": pair.by}
        rows.append({**named, "note": "; ".join(notes)})
    import pandas as pd

    return pd.DataFrame(rows)


def refuse_long(pair: GivenPair, tokens: int) -> None:
    """Refuse texts of so many tokens, prompt and answer, beyond what one of the two can read, by a ValueError."""
    context, name = min((side.described().context, side.name) for side in (pair.target, pair.draft))
    if tokens > context:
        raise ValueError(
            f"{tokens} tokens of prompt, answer and draft are beyond the context of {name}, {context}; ask for fewer "
            "with -p prompt and -p answer"
        )


def able_to_assist(pair: GivenPair) -> bool:
    """Whether `generate` of transformers can use the one as a draft of the other: it has to take back tokens."""
    return all(side.described().forgets for side in (pair.target, pair.draft))


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
