"""Any data set of the Hugging Face hub, by name and revision, streamed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Hub:
    """A data set's text, cut into tokens by a byte-level BPE trained on it.

    Fields: `name` on the hub (or "parquet", "json", "text" with `files`), `revision` a commit, `split` and `column`
    that hold the text, `subset` the data set's configuration ("" for its default), `files` within it to read (all when
    empty), `documents` to take for training, `test_documents` before these, held out.
    """

    name: str
    revision: str
    split: str = "train"
    column: str = "text"
    subset: str = ""
    files: tuple[str, ...] = ()
    documents: int = 100_000
    test_documents: int = 1_000
    vocabulary: int = 4096


def documents_of(text: Hub) -> dict[str, Sequence[str]]:
    """The documents of either split, in the data set's order: the first are the test's."""
    from datasets import load_dataset

    rows = load_dataset(
        text.name,
        text.subset or None,
        revision=text.revision or None,
        data_files=list(text.files) or None,
        split=text.split,
        streaming=True,
    )
    stream = (row[text.column] for row in rows)
    test = list(itertools.islice(stream, text.test_documents))
    return {"train": list(itertools.islice(stream, text.documents)), "test": test}
