"""Provenance: a record knows the commit that it was made at, also where there is no history."""

from __future__ import annotations

import os
import re
import shutil

import pytest

from repro.floor import provenance
from repro.floor.provenance import commit

HERE = provenance.places.root()


@pytest.fixture(autouse=True)
def asked_anew():
    commit.cache_clear()
    yield
    commit.cache_clear()


@pytest.fixture
def bare_copy(tmp_path, monkeypatch):
    """A folder that is a checkout in all but its history."""
    (tmp_path / "experiments").mkdir()
    shutil.copy(HERE / "pyproject.toml", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("told", "commit_of_records"), [("1234567890ab+", "1234567890ab+"), ("", None)])
def test_a_bare_copy_is_told_its_commit(bare_copy, monkeypatch, told, commit_of_records):
    monkeypatch.setenv("REPRO_COMMIT", told)

    assert commit_of_records == commit()


def test_where_there_is_history_nothing_else_is_believed(monkeypatch):
    monkeypatch.setenv("REPRO_COMMIT", "1234567890ab")

    assert re.fullmatch("[0-9a-f]{12}[+]?", commit())
    assert not commit().startswith("1234567890ab")


def test_git_is_asked_without_its_lock(tmp_path, monkeypatch):
    """A run that is killed at that moment would leave the lock behind, and nobody could commit."""
    git = tmp_path / "git"
    git.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path / "asked"}\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    commit()

    asked = (tmp_path / "asked").read_text().splitlines()
    assert [] == [words for words in asked if not words.startswith("--no-optional-locks ")] != asked
