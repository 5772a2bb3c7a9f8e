"""The words of a model: its tokeniser, and whether two models have the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from repro.models.library.folders import quiet

TOKENISERS = ("tokenizer.json", "*.model", "vocab.json", "vocab.txt", "*.tiktoken")


def tokeniser_of(folder: Path, name: str) -> Any:
    """The tokeniser that lies in a model's folder.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be read.
    """
    if not any(file.is_file() for pattern in TOKENISERS for file in folder.glob(pattern)):
        raise FileNotFoundError(
            f"{name} holds no tokeniser; expected tokenizer.json and tokenizer_config.json (or tokenizer.model) beside "
            "the weights: save_pretrained of the tokeniser writes them"
        )
    try:
        with quiet():
            from transformers import AutoTokenizer, PreTrainedTokenizerFast

            # Some families' own class makes a tokeniser of another kind of the same words, which reads no word of it.
            kind, own = _kind(folder), AutoTokenizer.from_pretrained(folder, local_files_only=True)
            if kind not in ("", type(getattr(getattr(own, "backend_tokenizer", None), "model", None)).__name__):
                return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
            return own
    except Exception as error:  # a tokeniser may fail anywhere in a foreign library
        told = (str(error).strip() or "no reason given").splitlines()[0][:300]
        raise ValueError(f"the tokeniser of {name} cannot be read ({type(error).__name__}: {told})") from error


def _kind(folder: Path) -> str:
    """What the file calls the algorithm that cuts words: BPE, WordLevel and so on; nothing without such a file."""
    file = folder / "tokenizer.json"
    return str(json.loads(file.read_text(encoding="utf-8"))["model"].get("type", "")) if file.is_file() else ""


def refuse_unknown_tokens(name: str, tokeniser: Any, rows: int) -> None:
    """Refuse a tokeniser that gives numbers beyond the `rows` that its model has, by a ValueError."""
    words = {number: word for word, number in tokeniser.get_vocab().items()}
    if (beyond := min((number for number in words if number >= rows), default=None)) is not None:
        raise ValueError(
            f"the tokeniser of {name} has a token {beyond}, {words[beyond]!r}, and the model has {rows} rows; expected "
            "the tokeniser that it was trained with"
        )


def refuse_other_words(target: tuple[str, Path], draft: tuple[str, Path], rows: int) -> None:
    """Refuse two models, each a name and its folder, in which one number stands for two words.

    Args:
        rows: words that both have; a token beyond them is one that the smaller of the two cannot read.

    Raises:
        FileNotFoundError: one has no tokeniser.
        ValueError: the first token that differs, or a word beyond `rows`, by name.
    """
    ours, theirs = target[0], draft[0]
    words, others = (
        {number: word for word, number in tokeniser_of(folder, name).get_vocab().items()}
        for name, folder in (target, draft)
    )
    for number in sorted(words.keys() & others.keys()):
        if words[number] != others[number]:
            raise ValueError(
                f"token {number} is {words[number]!r} in {ours} and {others[number]!r} in {theirs}; a draft has to "
                "have the target's tokeniser, so give a smaller model of the same family"
            )
    for name, held in ((ours, words), (theirs, others)):
        if (beyond := min((number for number in held if number >= rows), default=None)) is not None:
            raise ValueError(
                f"the tokeniser of {name} has a token {beyond}, {held[beyond]!r}, and the smaller of {ours} and "
                f"{theirs} knows {rows} tokens; give a draft that knows each token of the target"
            )
