"""From a vocabulary to the pieces of a text, by tiktoken, tokenizers or sentencepiece, whichever reads its file."""

from __future__ import annotations

import base64
import binascii
import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

from repro.corpora.texts.extras import needing_training
from repro.corpora.vocabularies.ours import our_ranks
from repro.corpora.vocabularies.published import Vocabulary, patterns, vocabulary_file

# Bytes that GPT-2's table leaves as they are; the others are spelled by code points from 256 on.
_KEPT = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_BYTE_OF = {chr(byte): byte for byte in _KEPT} | {
    chr(256 + place): byte for place, byte in enumerate(byte for byte in range(256) if byte not in _KEPT)
}


class Encoder(Protocol):
    """A vocabulary at work: reserved tokens are plain text to it, and nothing is put before or after a text.

    Fields: `unknown` the id of the piece that stands for what the vocabulary lacks, None if it lacks nothing.
    """

    unknown: int | None

    def ids(self, text: str) -> list[int]:
        """The tokens of a text."""

    def pieces(self, text: str) -> list[bytes]:
        """The tokens of a text as they are spelled; joined they are the text, wherever the vocabulary keeps it."""

    def holds(self, piece: bytes) -> bool:
        """Whether the piece is an entry."""


@cache
def encoder(vocabulary: Vocabulary) -> Encoder:
    """The encoder of a vocabulary.

    Raises:
        VocabularyMissing: its file is not at hand.
        ValueError: its file is not of the format that `reads` names.
        ModuleNotFoundError: the extra `training` is not installed.
    """
    made: Encoder = _READERS[vocabulary.reads](vocabulary)
    return made


class Units:
    """A vocabulary of bytes or of characters: each is a token."""

    unknown: int | None = None

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._bytes = vocabulary.name == "bytes"

    def ids(self, text: str) -> list[int]:
        return list(text.encode()) if self._bytes else [ord(character) for character in text]

    def pieces(self, text: str) -> list[bytes]:
        return [bytes([one]) for one in text.encode()] if self._bytes else [one.encode() for one in text]

    def holds(self, piece: bytes) -> bool:
        return len(piece if self._bytes else piece.decode(errors="replace")) == 1


class Ranks:
    """Byte-level BPE from ranks, by tiktoken: of the pairs that are an entry, that of the lowest rank merges first."""

    unknown: int | None = None

    def __init__(self, ranks: dict[bytes, int], pattern: str, form: str = "") -> None:
        with needing_training():
            import tiktoken

        self._ranks, self._form = ranks, form
        self._library = tiktoken.Encoding("", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

    def ids(self, text: str) -> list[int]:
        return self._library.encode_ordinary(_in_form(text, self._form))

    def pieces(self, text: str) -> list[bytes]:
        return self._library.decode_tokens_bytes(self.ids(text))

    def holds(self, piece: bytes) -> bool:
        return piece in self._ranks


class TokenizerFile:
    """What a tokenizer.json describes, by the library tokenizers; a WordPiece piece keeps its ## mark."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        with needing_training():
            from tokenizers import Tokenizer

        content = vocabulary_file(vocabulary).read_text(encoding="utf-8")
        try:
            self._library = Tokenizer.from_str(content)
        except Exception as error:  # the library raises no narrower class
            raise ValueError(f"{vocabulary.name} is no tokenizer.json: {str(error).splitlines()[0]}") from error
        self._library.no_truncation()  # files of sentence models cut at 128 tokens and pad to them
        self._library.no_padding()
        self._library.encode_special_tokens = True
        parts = json.loads(content)
        model, self._in_bytes = parts["model"], "ByteLevel" in json.dumps(parts["pre_tokenizer"])
        unknown = model.get("unk_token")
        self.unknown: int | None = self._library.token_to_id(unknown) if unknown else model.get("unk_id")

    def ids(self, text: str) -> list[int]:
        found: list[int] = self._library.encode(text, add_special_tokens=False).ids
        return found

    def pieces(self, text: str) -> list[bytes]:
        return [self._spelled(piece) for piece in self._library.encode(text, add_special_tokens=False).tokens]

    def holds(self, piece: bytes) -> bool:
        return piece in {self._spelled(entry) for entry in self._library.get_vocab()}

    def _spelled(self, piece: str) -> bytes:
        if self._in_bytes and all(character in _BYTE_OF for character in piece):
            return bytes(_BYTE_OF[character] for character in piece)
        return piece.replace("▁", " ").encode()


class SentencePieceModel:
    """A model of SentencePiece, by its library; the space that it puts before a text is no part of the first piece."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        with needing_training():
            from sentencepiece import SentencePieceProcessor

        content = vocabulary_file(vocabulary).read_bytes()
        try:
            self._library = SentencePieceProcessor(model_proto=content)
        except RuntimeError as error:
            raise ValueError(f"{vocabulary.name} is no model of SentencePiece") from error
        if not content:  # which the library takes for a model that will come later
            raise ValueError(f"{vocabulary.name} is empty")
        self.unknown: int | None = self._library.unk_id()

    def ids(self, text: str) -> list[int]:
        found: list[int] = self._library.encode(text)
        return found

    def pieces(self, text: str) -> list[bytes]:
        found = [self._spelled(one) for one in self._library.encode(text, out_type=str)]
        if found and found[0].startswith(b" ") and b"".join(found) != text.encode():
            found[0] = found[0][1:]
        return found

    def holds(self, piece: bytes) -> bool:
        spelled = piece.decode(errors="replace").replace(" ", "▁")
        return self._library.id_to_piece(self._library.piece_to_id(spelled)) == spelled

    def _spelled(self, piece: str) -> bytes:
        if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
            return bytes.fromhex(piece[3:5])
        return piece.replace("▁", " ").encode()


def read_ranks(content: bytes) -> dict[bytes, int]:
    """The entries of a rank file.

    Raises:
        ValueError: a line that is not base64, a space and a rank, or a rank that is given twice.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(content.splitlines(), 1):
        entry, _, rank = line.partition(b" ")
        try:
            ranks[base64.b64decode(entry, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise ValueError(f"line {number} is not base64, a space and a rank") from error
    if len(set(ranks.values())) < len(ranks) or not ranks:
        raise ValueError("no entries, or two of one rank")
    return ranks


def counts(vocabulary: Vocabulary, texts: Sequence[str]) -> tuple[list[int], int]:
    """Tokens of each text, and how many of all stand for what the vocabulary lacks."""
    made = encoder(vocabulary)
    found = [made.ids(text) for text in texts]
    return [len(ids) for ids in found], sum(ids.count(made.unknown) for ids in found if made.unknown is not None)


def _rank_file(vocabulary: Vocabulary) -> Ranks:
    ranks = read_ranks(vocabulary_file(vocabulary).read_bytes())
    kept = {piece: rank for piece, rank in ranks.items() if not vocabulary.below or rank < vocabulary.below}
    return Ranks(kept, patterns()[vocabulary.pattern], vocabulary.form)


def _tekken(vocabulary: Vocabulary) -> Ranks:
    file = json.loads(vocabulary_file(vocabulary).read_bytes())
    size = file["config"]["default_vocab_size"] - file["config"]["default_num_special_tokens"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in file["vocab"][:size]}
    return Ranks(ranks, file["config"]["pattern"])


def _ours(vocabulary: Vocabulary) -> Ranks:
    return Ranks(our_ranks(vocabulary.name), patterns()[vocabulary.pattern])


def _in_form(text: str, form: str) -> str:
    return unicodedata.normalize(form, text) if form else text  # type: ignore[arg-type]


_READERS: dict[str, Callable[[Vocabulary], Any]] = {
    "ranks": _rank_file,
    "tekken": _tekken,
    "tokenizer.json": TokenizerFile,
    "sentencepiece": SentencePieceModel,
    "units": Units,
    "ours": _ours,
}
