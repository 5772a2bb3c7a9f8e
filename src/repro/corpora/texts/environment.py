"""Text made of the Python source of installed packages, the same on every machine that has these versions.

A text is its documents, each ended by one zero byte: those of the training packages first, then those of the packages
held out. Within a split they lie in the order of the sha256 of their paths, so that the first tokens of either are a
fair sample of it. A document that is a near copy of one before it is left out, and the held-out packages are looked at
first: no training document is a near copy of a test document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from repro.corpora.tables.tables import keep
from repro.corpora.texts.manifest import Manifest, Package, manifest
from repro.corpora.texts.near_duplicates import near_copies
from repro.corpora.texts.source_files import Source, installed_version, read_source
from repro.floor import places

END = b"\0"
_NAMED = 5  # differences that a message names


class EnvironmentDiffers(RuntimeError):
    """The packages installed here are not those of the manifest."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The text of a manifest, cut into tokens by a byte-level BPE trained on it.

    Fields: `manifest` its name, `sha256` of the text as the manifest states, `vocabulary` tokens of the tokeniser.
    """

    manifest: str
    sha256: str
    vocabulary: int = 512


def environment(name: str, vocabulary: int = 512) -> Environment:
    """The text of a manifest, for a configuration."""
    return Environment(manifest=name, sha256=manifest(name).sha256, vocabulary=vocabulary)


def text_of(wanted: Manifest) -> bytes:
    """The text: from the cache, else made from the installed packages and kept.

    Raises:
        EnvironmentDiffers: the packages differ and no unpacked text is at hand; the first differences are named.
    """
    path = kept_text_at(wanted.sha256)
    if path.is_file():
        text = path.read_bytes()
        if sha256(text).hexdigest() == wanted.sha256:
            return text
    sources = {package.name: read_source(package.name) for package in wanted.packages}
    if apart := differences(wanted, sources):
        raise EnvironmentDiffers(_how_to_get(wanted, apart))
    text = assemble(wanted.packages, {name: source for name, source in sources.items() if source}).text
    digest = sha256(text).hexdigest()
    if digest != wanted.sha256:
        raise EnvironmentDiffers(
            f"the packages are those of {wanted.name!r}, and yet their text has sha256 {digest}, not "
            f"{wanted.sha256}: the rules that choose documents have changed. Survey it: repro data survey {wanted.name}"
        )
    keep(text, path)
    return text


def kept_text_at(sha256: str) -> Path:
    """Where the cache keeps a text."""
    return places.cache() / "texts" / f"{sha256}.txt"


def documents(text: bytes) -> list[str]:
    """The documents of a text or of one of its splits."""
    return [document.decode() for document in text.split(END)[:-1]]


def differences(wanted: Manifest, sources: Mapping[str, Source | None]) -> list[str]:
    """Where the installed packages differ from the manifest, one sentence each."""
    sentences = []
    for package in wanted.packages:
        source = sources[package.name]
        if source is None:
            sentences.append(f"{package.name} is not installed")
        elif source.version != package.version:
            sentences.append(f"{package.name} is {source.version}, not {package.version}")
        elif source.sha256 != package.sha256:
            sentences.append(
                f"{package.name} {package.version} has {len(source.documents)} files of {source.bytes} bytes, "
                f"not the {package.files} of {package.bytes}"
            )
    return sentences


def other_versions(wanted: Manifest) -> list[str]:
    """The quick half of `differences`: packages that are absent or installed at another version."""
    installed = {package.name: installed_version(package.name) for package in wanted.packages}
    return [
        f"{package.name} is {installed[package.name] or 'not installed'}, not {package.version}"
        for package in wanted.packages
        if installed[package.name] != package.version
    ]


@dataclass(frozen=True)
class Assembled:
    """A text, where its test split begins, the documents of either split, and what was dropped by reason."""

    text: bytes
    train_bytes: int
    train_files: int
    test_files: int
    dropped: dict[str, int]


def assemble(packages: tuple[Package, ...], sources: Mapping[str, Source]) -> Assembled:
    """The text of packages: near copies left out, in its order."""
    ordered = [(split, text) for split in ("test", "train") for text in _in_order(packages, sources, split)]
    copies = list(near_copies(text for _, text in ordered))
    originals = [(split, text) for (split, text), copy in zip(ordered, copies, strict=True) if not copy]
    parts = {split: [text for own, text in originals if own == split] for split in ("train", "test")}
    train, test = (b"".join(text.encode() + END for text in parts[split]) for split in ("train", "test"))
    dropped = sum((source.dropped for source in sources.values()), Counter[str]())
    dropped["near copies"] = sum(copies)
    return Assembled(train + test, len(train), len(parts["train"]), len(parts["test"]), dict(sorted(dropped.items())))


def survey(old: Manifest) -> Manifest:
    """The manifest's packages as they are installed now, and the text that they give.

    Raises:
        EnvironmentDiffers: one of them is not installed.
    """
    by_name = {package.name: read_source(package.name) for package in old.packages}
    sources = {name: source for name, source in by_name.items() if source}
    if absent := [name for name in by_name if name not in sources]:
        raise EnvironmentDiffers(f"not installed: {', '.join(absent)}; a survey needs every package of the manifest")
    assembled = assemble(old.packages, sources)
    digest = sha256(assembled.text).hexdigest()
    keep(assembled.text, kept_text_at(digest))
    return replace(
        old,
        sha256=digest,
        train_bytes=assembled.train_bytes,
        test_bytes=len(assembled.text) - assembled.train_bytes,
        train_files=assembled.train_files,
        test_files=assembled.test_files,
        dropped=assembled.dropped,
        tokens={},
        packages=tuple(_surveyed(package, sources[package.name]) for package in old.packages),
    )


def _surveyed(package: Package, source: Source) -> Package:
    return replace(
        package, version=source.version, files=len(source.documents), bytes=source.bytes, sha256=source.sha256
    )


def _in_order(packages: tuple[Package, ...], sources: Mapping[str, Source], split: str) -> list[str]:
    named = [
        (sha256(f"{package.name}/{path}".encode()).digest(), text)
        for package in packages
        if package.split == split
        for path, text in sources[package.name].documents.items()
    ]
    return [text for _, text in sorted(named)]


def _how_to_get(wanted: Manifest, apart: list[str]) -> str:
    more = f" and {len(apart) - _NAMED} more" if len(apart) > _NAMED else ""
    return (
        f"this machine's packages do not give the text {wanted.name!r} (sha256 {wanted.sha256[:12]}...): "
        f"{'; '.join(apart[:_NAMED])}{more}. Either install the extras book, dev and training under constraints.txt, "
        f"or pack the text where they are (repro data pack {wanted.name}) and unpack it here (repro data unpack FILE)"
    )
