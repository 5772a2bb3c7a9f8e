"""Fetching a parallel corpus: every file at the pinned commit, compared by sha256, then kept."""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import Callable

from repro.corpora.parallel.files import Corpus, ParallelMissing, find_file, kept_at
from repro.corpora.tables.fetching import RAW, FetchFailed, download
from repro.corpora.tables.tables import keep


def missing(corpus: Corpus) -> list[str]:
    """The files of a corpus that no folder holds.

    Raises:
        ParallelWrong: a folder holds other bytes under a file's name.
    """
    return [path for path in corpus.files if not _at_hand(corpus, path)]


def fetch_corpus(
    corpus: Corpus, *, origin: str = RAW, advance: Callable[[], object] = lambda: None, pause_s: float = 1.0
) -> None:
    """Download each file that is not at hand, and keep it if its sha256 is right; what is kept stays after a failure.

    Args:
        origin: what stands before repository/commit/path in an address.
        advance: called once per downloaded file.
        pause_s: wait before the second attempt at an address, doubled before each further one.

    Raises:
        FetchFailed: a download broke off, or the bytes are not the manifest's; this file is not kept.
    """
    for path in missing(corpus):
        content = download(
            f"{origin}/{corpus.repository}/{corpus.commit}/{corpus.folder}{urllib.parse.quote(path)}", pause_s
        )
        got = hashlib.sha256(content).hexdigest()
        if got != corpus.files[path]:
            raise FetchFailed(
                f"{path} of {corpus.name} came with sha256 {got}; the manifest expects {corpus.files[path]}. "
                f"It was not kept; the origin is {corpus.origin}"
            )
        keep(content, kept_at(corpus, path))
        advance()


def _at_hand(corpus: Corpus, path: str) -> bool:
    try:
        find_file(corpus, path)
    except ParallelMissing:
        return False
    return True
