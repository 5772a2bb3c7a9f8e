"""A survey in words, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from repro.curation.survey.survey import Copies, Survey

_WHAT = {
    "exact": "exact copies (byte for byte)",
    "near": "near copies (estimated likeness of five-word runs .8 or more, texts of 20 words or more)",
}


def report(survey: Survey) -> Iterator[str]:
    """What a folder holds, as lines."""
    yield f"{survey.folder}: {survey.files:,} files, {_size(survey.bytes)}"
    yield f"text: {survey.texts:,} files, {survey.words:,} words, {survey.characters:,} characters"
    if survey.lengths:
        yield "words per file: " + ", ".join(f"{name} {count:,}" for name, count in survey.lengths.items())
    for fault, count in survey.faults.items():
        yield f"no text, {fault}: {count:,} ({_named(survey.faulty[fault], count)})"
    for kind, words in _WHAT.items():
        yield from _copies(getattr(survey, kind), words)
    yield f"languages, a guess: {_counted(survey.languages)}"
    yield f"licences by SPDX identifier: {_counted(survey.spdx)}"
    yield f"licences by their phrases: {_counted(survey.phrases)}"
    yield f"lines of copyright: {survey.copyright:,} files; neither licence nor copyright: {survey.silent:,}"


def _copies(copies: Copies, words: str) -> Iterator[str]:
    yield f"{words}: {copies.extra:,} files beyond the first of {copies.groups:,} groups, {_size(copies.bytes)}"
    yield from (f"  {group.files:,} files: {_named(group.names, group.files)}" for group in copies.largest)


def _named(names: list[str], count: int) -> str:
    return ", ".join(names) + (", ..." if count > len(names) else "")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count:,} bytes"
