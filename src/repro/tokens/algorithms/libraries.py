"""Other people's tokenisers, trained and called as their users do: tokenizers, tiktoken and sentencepiece."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from repro.tokens.algorithms.configurations import GPT2_PATTERN
from repro.tokens.algorithms.merges import Pair

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor
    from tiktoken import Encoding
    from tokenizers import Tokenizer

UNKNOWN = "<unk>"
NO_PATTERN = r"[\s\S]+"
# Llama 2's SentencePiece, as its file states its settings.
LIKE_LLAMA = {
    "model_type": "bpe",
    "byte_fallback": True,
    "normalization_rule_name": "identity",
    "remove_extra_whitespaces": False,
    "split_digits": True,
    "allow_whitespace_only_pieces": True,
    "character_coverage": 0.99995,
}
# Words between white space as they are, so that pieces can be counted without the library.
WORDS_ALONE = {
    "character_coverage": 1.0,
    "normalization_rule_name": "identity",
    "split_by_number": False,
    "split_by_unicode_script": False,
}
UNSPLIT = {"split_by_whitespace": False, "split_by_number": False, "split_by_unicode_script": False}


def character_pairs(lines: Sequence[str], steps: int) -> Tokenizer:
    """A byte-pair encoding of tokenizers that starts from the lines' characters; others are unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE(unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    alphabet = sorted({character for line in lines for character in line if not character.isspace()})
    made.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=1 + len(alphabet) + steps,
            special_tokens=[UNKNOWN],
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    return made


def byte_pairs(lines: Sequence[str], steps: int, specials: Sequence[str] = (), *, pattern: bool = True) -> Tokenizer:
    """A byte-pair encoding of tokenizers that starts from the 256 bytes, with or without GPT-2's pattern."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=len(specials) + 256 + steps,
            special_tokens=list(specials),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return made


def merges_of(made: Tokenizer) -> list[Pair]:
    """The merges that a tokeniser has learned, in their order."""
    return [(left, right) for left, right in json.loads(made.to_str())["model"]["merges"]]


def ranks_of(made: Tokenizer) -> dict[bytes, int]:
    """The rank file of a byte-level tokeniser, as tiktoken wants it: bytes first, then the merges in their order."""
    spelled = {letter: byte for byte, letter in _letters().items()}
    pieces = [*sorted(spelled, key=lambda letter: spelled[letter]), *("".join(pair) for pair in merges_of(made))]
    return {bytes(spelled[letter] for letter in piece): rank for rank, piece in enumerate(dict.fromkeys(pieces))}


def _letters() -> dict[int, str]:
    """The letter that GPT-2 writes for each byte: itself where it can be seen, else one from 256 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + at) for at, byte in enumerate(hidden)}


def encoding_of(ranks: Mapping[bytes, int], specials: Sequence[str] = (), *, pattern: str = GPT2_PATTERN) -> Encoding:
    """A tiktoken encoding of a rank file, without a download; special tokens come after it."""
    import tiktoken

    after = {name: len(ranks) + index for index, name in enumerate(specials)}
    return tiktoken.Encoding("ranks", pat_str=pattern, mergeable_ranks=dict(ranks), special_tokens=after)


def pieces(lines: Iterable[str], vocabulary: int, **settings: Any) -> SentencePieceProcessor:
    """A SentencePiece model of at most `vocabulary` pieces; what is not set is the library's default."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=vocabulary,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **settings,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def pruned(lines: Iterable[str], candidates: Mapping[str, int], vocabulary: int) -> set[str]:
    """The pieces of two characters or more that SentencePiece's unigram trainer leaves of these candidates."""
    with TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds.tsv"
        rows = (f"{piece}\t{count * len(piece)}\n" for piece, count in candidates.items())
        seeds.write_text("".join(rows), encoding="utf-8")
        made = pieces(lines, vocabulary, seed_sentencepieces_file=str(seeds), **WORDS_ALONE)
    return {made.id_to_piece(index) for index in range(made.get_piece_size())} & set(candidates)
