"""Parallel texts: line n of one language says what line n of another says, in NFC, and other bytes are refused."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from repro.corpora import parallel
from repro.corpora.parallel import files, reading
from repro.corpora.parallel.fetching import fetch_corpus
from repro.corpora.tables.fetching import FetchFailed

ARTICLES = (
    '<h1>T</h1><header><p>left out</p></header><article data-number="1"><h2>1</h2><p>a &amp; b</p><ol><li>c</li></ol>'
    '</article>\n<article data-number="2"><h2>2</h2><p>d</p></article>'
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A FLORES of two sentences in two languages, the Vietnamese spelled in NFD, in a folder of REPRO_DATA."""
    texts = {"dev/eng_Latn.dev": "He came.\nNo.\n", "dev/vie_Latn.dev": "Việt\nkhông\n"}
    (tmp_path / "flores-200" / "dev").mkdir(parents=True)
    for path, text in texts.items():
        (tmp_path / "flores-200" / path).write_bytes(text.encode())
    small = dataclasses.replace(
        files.corpora()["flores-200"],
        languages={"eng_Latn": "English", "vie_Latn": "Vietnamese"},
        files={path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()},
    )
    monkeypatch.setitem(files.corpora(), "flores-200", small)
    monkeypatch.setitem(reading.SPLITS, "flores-dev", dataclasses.replace(reading.SPLITS["flores-dev"], sentences=2))
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "flores-200"


def test_every_language_of_the_manifests_has_its_files():
    """204 languages in two files each, 521 declarations in one."""
    assert 204 == len(parallel.languages("flores-dev")) == len(parallel.languages("flores-devtest"))
    assert 521 == len(parallel.languages("udhr"))
    for split in parallel.SPLITS.values():
        corpus = files.corpora()[split.corpus]
        assert {split.path.format(language) for language in corpus.languages} <= set(corpus.files)
        assert all(len(sha256) == 64 for sha256 in corpus.files.values())


def test_sentences_are_composed_and_in_the_order_of_the_file(folder):
    """Lines keep the file's spelling."""
    assert ("He came.", "No.") == parallel.sentences("flores-dev", "eng_Latn")
    assert ("Việt", "không") == parallel.sentences("flores-dev", "vie_Latn")
    assert "Việt" == parallel.lines("flores-dev", "vie_Latn")[0]


def test_an_article_is_its_paragraphs_without_heading():
    """Preamble and titles are no part of it."""
    assert ("a & b c", "d") == reading.articles(ARTICLES)


def test_what_is_not_there_is_refused_with_what_to_do(folder):
    """A name, a language, a file that is missing, and a file of other bytes."""
    with pytest.raises(ValueError, match=r"no parallel text is named 'flores'; expected one of flores-dev"):
        parallel.languages("flores")
    with pytest.raises(ValueError, match=r"flores-dev has no language 'en'; its 2 are named"):
        parallel.sentences("flores-dev", "en")
    with pytest.raises(files.ParallelMissing, match=r"repro data fetch udhr .* or set REPRO_DATA"):
        parallel.sentences("udhr", "eng")
    (folder / "dev" / "eng_Latn.dev").write_text("other")
    with pytest.raises(files.ParallelWrong, match="has sha256 d9298a10"):
        parallel.sentences("flores-dev", "eng_Latn")


def test_only_the_right_bytes_are_kept(folder, monkeypatch):
    """A corpus is fetched into the cache file by file, and read from there."""
    corpus = files.corpora()["flores-200"]
    texts = {path: (folder / path).read_bytes() for path in corpus.files}
    for path in texts:
        (folder / path).unlink()
    base = f"x/{corpus.repository}/{corpus.commit}/flores200_dataset/"
    monkeypatch.setattr(
        "repro.corpora.parallel.fetching.download", lambda address, _: texts[address.removeprefix(base)]
    )

    fetch_corpus(corpus, origin="x")

    assert ("He came.", "No.") == parallel.sentences("flores-dev", "eng_Latn")
    files.kept_at(corpus, "dev/eng_Latn.dev").unlink()
    texts["dev/eng_Latn.dev"] = b"other"
    with pytest.raises(FetchFailed, match="It was not kept"):
        fetch_corpus(corpus, origin="x")
