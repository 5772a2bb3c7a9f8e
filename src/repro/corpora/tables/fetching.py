"""Fetching a public table: its origin's files at the pinned commit, converted, checked, then kept."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from repro.corpora.tables.tables import Table, keep, kept_at

RAW = "https://raw.githubusercontent.com"
ATTEMPTS = 3
TIMEOUT_S = 60.0


class FetchFailed(RuntimeError):
    """The table was not fetched; nothing of it was kept."""


def fetch(
    table: Table, *, origin: str = RAW, advance: Callable[[], object] = lambda: None, pause_s: float = 1.0
) -> Path:
    """Download, convert and check a table, and keep it in the cache; gives the file.

    Args:
        origin: what stands before repository/commit/path in an address.
        advance: called once per downloaded file.
        pause_s: wait before the second attempt at an address, doubled before each further one.

    Raises:
        FetchFailed: the table is made by hand, a download broke off, or the bytes are not the manifest's. Nothing is
            kept then.
    """
    if table.fetch == "by hand":
        raise FetchFailed(by_hand(table))
    files = {}
    for path in table.sources:
        address = f"{origin}/{table.repository}/{table.commit}/{urllib.parse.quote(path)}"
        files[path] = download(address, pause_s)
        advance()
    from repro.corpora.tables.conversion import convert  # pandas, which a list of tables does without

    content = convert(table.convert, files)
    got = hashlib.sha256(content).hexdigest()
    if got != table.sha256:
        raise FetchFailed(_other_bytes(table, got))
    keep(content, kept_at(table.sha256))
    return kept_at(table.sha256)


def by_hand(table: Table) -> str:
    """What a reader can do about a table that no command makes."""
    return (
        f"{table.name} cannot be fetched by this command. It was made from {table.origin}: {table.derived} "
        f"Save it as {table.file} (sha256 {table.sha256}) in a folder that REPRO_DATA names; results that rest on it "
        "are on record and need it only to be computed afresh"
    )


def download(address: str, pause_s: float) -> bytes:
    """The bytes at an address, asked for up to three times.

    Raises:
        FetchFailed: the address refuses, or no attempt reads it whole.
    """
    request = urllib.request.Request(address, headers={"User-Agent": "repro"})
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise FetchFailed(f"{address} answered {error.code} {error.reason}; nothing was kept") from error
            last: Exception = error
        # a body shorter than announced ends in IncompleteRead, a lost network in URLError or a socket's OSError
        except (http.client.HTTPException, OSError) as error:
            last = error
    raise FetchFailed(
        f"{address} could not be read in {ATTEMPTS} attempts: {last!r}. Nothing was kept; check the network and run "
        "the command again, or set REPRO_DATA to a folder that holds the table"
    ) from last


def _other_bytes(table: Table, got: str) -> str:
    if table.verified:
        reason = "the origin's files are not the ones of that commit, or pandas now spells numbers differently"
    else:
        reason = (
            "this conversion was never compared with the origin's files byte for byte, so it may be at fault. "
            f"{table.derived}"
        )
    return (
        f"{table.name} came out with sha256 {got}; the manifest expects {table.sha256}. Nothing was kept: {reason} "
        f"The files are at {table.origin}; a copy named {table.file} in a folder of REPRO_DATA is used instead"
    )
