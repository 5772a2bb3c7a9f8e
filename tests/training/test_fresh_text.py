"""What a notebook calls fresh text is read once, at every scale: found before a machine is lent, and not on it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from repro.corpora.texts.manifest import manifests
from repro.floor import places

BYTES = 4  # of a token at most, on average, where a manifest does not say how many there are
READ = ("tokens", "most_tokens")  # knobs that say how many tokens a run reads


def cases() -> list[tuple[Path, str]]:
    """The scales that train on a text of packages, whose length is known."""
    files = sorted(places.experiments().glob("*/*scales.toml"))
    scales = [(path, scale) for path in files for scale in ("smoke", "cpu", "gpu")]
    return [case for case in scales if section(*case).get("data") in manifests()]


def section(path: Path, scale: str) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8")).get(scale, {})


@pytest.mark.parametrize(("path", "scale"), cases(), ids=lambda part: getattr(part, "name", part))
def test_no_run_comes_to_the_end_of_its_text(path, scale):
    knobs = section(path, scale)
    text = manifests()[knobs["data"]]
    counted = text.tokens.get(knobs.get("vocabulary"))
    held = counted.train if counted else text.train_bytes // BYTES

    assert [knobs[name] for name in READ if name in knobs and knobs[name] >= held] == []
