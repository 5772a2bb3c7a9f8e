"""An environment text, or its tokens, as one compressed file, so that it can go where the packages are not."""

from __future__ import annotations

import io
import json
import lzma
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from repro.corpora.tables.tables import keep
from repro.corpora.texts.environment import environment, kept_text_at, text_of
from repro.corpora.texts.manifest import Manifest, manifests
from repro.corpora.texts.packed import ABOUT, Damaged, open_or_make, open_pack
from repro.corpora.texts.text import tokens_folder, tokens_of

_CHUNK = 1_000_000
_PRESET = 9  # a window of 64 MB finds what documents far apart have in common
# Tokens are numbers of two bytes, so what repeats begins at even places; a window as large as the text finds it.
_OF_TOKENS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 2**28, "lc": 0, "lp": 1, "pb": 1}]
_TOKENS = ".tokens.xz"


class NotOurs(ValueError):
    """A file does not hold the text of any manifest, nor its tokens."""


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


def pack_tokens(name: str, vocabulary: int, folder: Path) -> Path:
    """Write a text's tokens as NAME-VOCABULARY-<sha256's beginning>.tokens.xz into a folder; gives the file.

    For a machine whose tokenizers differ too; half the size of the text, and minutes of work.

    Raises:
        ValueError: the manifest does not state the tokens of this vocabulary, so nobody could check them.
        EnvironmentDiffers, TokensDiffer: they are not at hand and cannot be made here.
    """
    text = environment(name, vocabulary)
    stated = manifests()[name].tokens.get(vocabulary)
    if stated is None:
        known = ", ".join(map(str, manifests()[name].tokens))
        raise ValueError(f"the manifest of {name} states tokens of a vocabulary of {known}, and not of {vocabulary}")
    tokens_of(text)
    parcel = io.BytesIO()
    with lzma.open(parcel, "wb", filters=_OF_TOKENS) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for file in sorted(tokens_folder(text).iterdir()):
            tar.add(file, file.name)
    path = folder / f"{name}-{vocabulary}-{stated.sha256[:12]}{_TOKENS}"
    keep(parcel.getvalue(), path)
    return path


def unpack(path: Path) -> Manifest:
    """Keep a packed text, or its packed tokens, in the cache; gives its manifest.

    Raises:
        NotOurs: the file is no xz file, is cut short, or holds what no manifest describes.
    """
    return _unpack_tokens(path) if path.name.endswith(_TOKENS) else _unpack_text(path)


def _unpack_tokens(path: Path) -> Manifest:
    known = {(stated.sha256, size): text for text in manifests().values() for size, stated in text.tokens.items()}
    with tempfile.TemporaryDirectory() as aside:
        try:
            with tarfile.open(path, mode="r:xz") as tar:
                tar.extractall(aside, filter="data")
            sums = open_pack(Path(aside)).sha256
        except (tarfile.TarError, lzma.LZMAError, EOFError, FileNotFoundError, Damaged) as error:
            raise NotOurs(f"{path} holds no whole tokens ({error}); copy it again, or pack it again") from error
        for (digest, vocabulary), text in known.items():
            if digest == sums:
                open_or_make(tokens_folder(environment(text.name, vocabulary)), partial(_copy, Path(aside)))
                return text
    stated = ", ".join(f"{text.name} {size} {digest[:12]}..." for (digest, size), text in known.items())
    raise NotOurs(
        f"{path} holds tokens of sha256 {sums[:12]}..., which are none of this version's: {stated}. Pack them with "
        "the same version of the project"
    )


def _copy(pack: Path, place: Path) -> dict[str, Any]:
    shutil.copytree(pack, place, dirs_exist_ok=True)
    about: dict[str, Any] = json.loads((place / ABOUT).read_text(encoding="utf-8"))
    return about


def _unpack_text(path: Path) -> Manifest:
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
