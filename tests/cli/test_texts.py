"""`repro data pack|unpack|survey`: a text on its way to a machine whose packages differ."""

import pytest
from typer.testing import CliRunner

from repro.cli.data import app
from repro.corpora.texts import manifest as manifest_module
from repro.corpora.texts import parcels
from repro.corpora.texts.environment import environment, kept_text_at
from repro.corpora.texts.manifest import kept_in, manifest, manifests
from repro.corpora.texts.text import tokens_of


def command(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A command line on a machine with an empty cache."""
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    return command


def test_a_text_packed_here_is_unpacked_there(machine, tmp_path, monkeypatch):
    monkeypatch.setattr("repro.corpora.texts.parcels._PRESET", 0)  # a second instead of five
    packed = machine("pack", "python-small", "--to", tmp_path)
    [parcel] = tmp_path.glob("python-small-*.xz")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "other"))
    unpacked = machine("unpack", parcel)

    assert (0, 0) == (packed.exit_code, unpacked.exit_code)
    assert manifest("python-small").bytes == kept_text_at(manifest("python-small").sha256).stat().st_size


def test_tokens_packed_here_are_read_there_without_the_text(machine, tmp_path, monkeypatch):
    """A parcel cut short, or renamed to that of a text, is refused, and leaves nothing behind."""
    monkeypatch.setitem(parcels._OF_TOKENS[0], "preset", 0)
    packed = machine("pack", "python-small", "--vocabulary", 512, "--to", tmp_path)
    [parcel] = tmp_path.glob("python-small-512-*.tokens.xz")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "other"))
    short = tmp_path / f"short{parcel.name}"
    short.write_bytes(parcel.read_bytes()[: parcel.stat().st_size // 2])
    refused, unpacked = machine("unpack", short), machine("unpack", parcel)
    monkeypatch.setattr("repro.corpora.texts.text.text_of", None)  # the text itself is not asked for
    tokens_of.cache_clear()

    assert (0, 2, 0) == (packed.exit_code, refused.exit_code, unpacked.exit_code)
    assert "no whole tokens" in refused.output
    assert manifest("python-small").tokens[512].sha256 == tokens_of(environment("python-small", 512)).sha256


def test_tokens_that_nobody_could_check_are_not_packed(machine, tmp_path):
    refused = machine("pack", "python-small", "--vocabulary", 4096, "--to", tmp_path)

    assert refused.exit_code == 2
    assert "states tokens of a vocabulary of 512, and not of 4096" in refused.output


def test_what_cannot_be_packed_or_unpacked_is_told(machine, tmp_path):
    """Exit code 2 and the reason."""
    (tmp_path / "other.xz").write_bytes(b"no xz at all")
    unknown, other = machine("pack", "nope"), machine("unpack", tmp_path / "other.xz")

    assert (2, 2) == (unknown.exit_code, other.exit_code)
    assert "no environment text is named 'nope'" in unknown.output
    assert "no whole xz file" in other.output


def test_every_text_is_listed(machine):
    shown = machine("list").stdout

    assert [] == [name for name in manifests() if name not in shown]


def test_a_survey_of_what_has_not_changed_writes_the_same_manifest(tmp_path, monkeypatch):
    """All of it: packages, figures of what was dropped, and the tokens, which the tests of one process cut once."""
    pytest.importorskip("tokenizers")
    before = manifest_module.kept_in("python-small").read_text(encoding="utf-8")
    (tmp_path / "python-small.toml").write_text(before, encoding="utf-8")
    monkeypatch.setattr(manifest_module, "_FOLDER", tmp_path)
    manifests.cache_clear()
    try:
        result = command("survey", "python-small")
    finally:
        monkeypatch.undo()
        manifests.cache_clear()

    assert 0 == result.exit_code
    assert before == (tmp_path / "python-small.toml").read_text(encoding="utf-8")
    assert kept_in("python-small").read_text(encoding="utf-8") == before
