"""`repro data pack|unpack|survey`: a text on its way to a machine whose packages differ."""

import pytest
from typer.testing import CliRunner

from repro.cli.data import app
from repro.corpora.texts import manifest as manifest_module
from repro.corpora.texts.environment import kept_text_at
from repro.corpora.texts.manifest import kept_in, manifest, manifests


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
