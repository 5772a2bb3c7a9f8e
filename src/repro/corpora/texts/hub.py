"""Any data set of the Hugging Face hub, by name and commit, streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repro.corpora.texts.extras import needing_training


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A data set's text, cut into tokens by a byte-level BPE trained on it; its first documents are the test's.

    Fields: `name` on the hub, `revision` a commit, `split` and `column` that hold the text, `subset` the data set's
    configuration ("" for its default), `files` within it to read, as patterns (all when empty), `tokens` to take for
    training, `test_documents` to hold out. Near copies are not looked for.
    """

    name: str
    revision: str
    split: str = "train"
    column: str = "text"
    subset: str = ""
    files: tuple[str, ...] = ()
    tokens: int = 20_000_000
    test_documents: int = 1_000
    vocabulary: int = 512

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise ValueError(
                f"revision {self.revision!r} of {self.name}; expected a commit, 40 hexadecimal digits: a branch or "
                "a tag may hold other text tomorrow"
            )


def stream(text: Hub) -> Iterator[str]:
    """The documents in the data set's order, fetched as they are asked for.

    Raises:
        ValueError: the data set has no such column.
    """
    with needing_training():
        from datasets import load_dataset

    files = list(text.files) or None
    rows = load_dataset(
        text.name, text.subset or None, revision=text.revision, data_files=files, split=text.split, streaming=True
    )
    for row in rows:
        if text.column not in row:
            raise ValueError(f"{text.name} has no column {text.column!r}; it has {', '.join(row)}")
        yield row[text.column]
