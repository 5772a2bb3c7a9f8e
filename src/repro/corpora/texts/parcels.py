"""An environment text as one compressed file, so that it can go where the packages are not."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from repro.corpora.tables.tables import keep
from repro.corpora.texts.environment import kept_text_at, text_of
from repro.corpora.texts.manifest import Manifest, manifests

_CHUNK = 1_000_000
_PRESET = 9  # a window of 64 MB finds what documents far apart have in common


class NotOurs(ValueError):
    """A file does not hold the text of any manifest."""


def pack_text(wanted: Manifest, folder: Path, advance: Callable[[int], object] = lambda done: None) -> Path:
    """Write the text as NAME-<sha256's beginning>.xz into a folder; gives the file.

    Args:
        advance: called with the number of bytes of text done since the last call.

    Raises:
        EnvironmentDiffers: the text is not at hand and this machine's packages do not give it.
    """
    text, packer, parts = text_of(wanted), lzma.LZMACompressor(preset=_PRESET), []
    for start in range(0, len(text), _CHUNK):
        parts.append(packer.compress(text[start : start + _CHUNK]))
        advance(len(text[start : start + _CHUNK]))
    path = folder / f"{wanted.name}-{wanted.sha256[:12]}.xz"
    keep(b"".join([*parts, packer.flush()]), path)
    return path


def unpack_text(path: Path) -> Manifest:
    """Keep a packed text in the cache, where it is found by its sha256; gives its manifest.

    Raises:
        NotOurs: the file is no xz file, is cut short, or holds a text that no manifest describes.
    """
    longest = max(known.bytes for known in manifests().values())
    try:
        with lzma.open(path) as file:
            text = file.read(longest + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise NotOurs(
            f"{path} is no whole xz file ({error}); copy it again, or pack it again: repro data pack"
        ) from error
    digest = sha256(text).hexdigest()
    for known in manifests().values():
        if known.sha256 == digest:
            keep(text, kept_text_at(digest))
            return known
    known_texts = ", ".join(f"{known.name} {known.sha256[:12]}..." for known in manifests().values())
    raise NotOurs(
        f"{path} holds a text of sha256 {digest[:12]}..., which is none of this version's: {known_texts}. Pack it with "
        "the same version of the project"
    )
