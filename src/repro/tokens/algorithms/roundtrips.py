"""What libraries return of the texts that they cut, what they do not know, and what they leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from repro.tokens.algorithms import libraries
from repro.tokens.algorithms.configurations import GPT2_PATTERN, SPECIALS, TRAINED, Ranks
from repro.tokens.algorithms.merges import Pseudocode
from repro.tokens.algorithms.texts import lines_of, symbols_of, word_counts


def lost(lines: Sequence[str], steps: int, kinds: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """By way and kind, strings that byte-pair encodings learned from the lines do not return, or that they refuse."""
    article = Pseudocode(symbols_of(word_counts(lines)), steps)
    characters = libraries.character_pairs(lines, steps)
    unknown = characters.token_to_id(libraries.UNKNOWN)
    made = libraries.byte_pairs(lines, steps)
    encoding = libraries.encoding_of(libraries.ranks_of(made))

    def refused(text: str) -> bool:
        try:
            article.encode(text)
        except KeyError:
            return True
        return False

    ways: dict[str, Callable[[str], bool]] = {
        "pseudocode": refused,
        "characters": lambda text: unknown in characters.encode(text).ids,
        "tokenizers": lambda text: made.decode(made.encode(text).ids) != text,
        "tiktoken": lambda text: encoding.decode(encoding.encode_ordinary(text)) != text,
    }
    return {
        f"{way}_{kind}": sum(map(fails, texts))
        for way, fails in ways.items()
        for kind, texts in kinds.items()
        if kind != "points" or way in ("tokenizers", "tiktoken")  # one unseen character is enough to fail the others
    }


def ranks_of(config: Ranks, seed: int) -> dict[bytes, int]:
    """The entries of a published rank file, or of a vocabulary that is trained here."""
    if config.name == TRAINED:
        return libraries.ranks_of(libraries.byte_pairs(lines_of(config.lines, seed), config.steps))
    from repro.corpora.vocabularies.encoders import read_ranks
    from repro.corpora.vocabularies.published import published, vocabulary_file

    file = published()[config.name].vocabulary
    if file.sha256 != config.sha256:
        raise ValueError(
            f"{config.name} is {file.sha256[:12]} by the manifest, {config.sha256[:12]} here; give its own"
        )
    ranks = read_ranks(vocabulary_file(file).read_bytes())
    return {entry: rank for entry, rank in ranks.items() if not config.below or rank < config.below}


def spanning(lines: Sequence[str], steps: int) -> int:
    """Of the merges learned without a pattern, those whose entry the pattern would have cut."""
    import regex  # type: ignore[import-untyped]

    ranks = libraries.ranks_of(libraries.byte_pairs(lines, steps, pattern=False))
    entries = [entry.decode(errors="replace") for entry in ranks if len(entry) > 1]
    return sum(len(regex.findall(GPT2_PATTERN, entry)) > 1 for entry in entries)


def unknown_pieces(
    lines: Sequence[str], vocabulary: int, characters: Sequence[str], words: Sequence[str], wild: Sequence[bytes]
) -> dict[str, int]:
    """Counts of unknown pieces by model type, without and with byte fallback, and byte strings that are changed."""
    counts = {}
    for model in ("unigram", "bpe"):
        made = libraries.pieces(lines, vocabulary, model_type=model)
        whole = libraries.pieces(lines, vocabulary, model_type=model, character_coverage=1.0)
        counts[f"unknown_{model}"] = sum(made.unk_id() in made.encode(one) for one in characters)
        counts[f"words_{model}"] = sum(made.unk_id() in made.encode(one) for one in words)
        counts[f"covered_{model}"] = sum(whole.unk_id() in whole.encode(one) for one in words)
    fallback = libraries.pieces(lines, vocabulary, byte_fallback=True)
    counts["unknown_fallback"] = sum(fallback.unk_id() in fallback.encode(one) for one in characters)
    llama = libraries.pieces(lines, vocabulary, **libraries.LIKE_LLAMA)
    counts["bytes_changed"] = sum(llama.decode(llama.encode(one)).encode() != one for one in wild)
    return counts


def covered(lines: Sequence[str], held: Sequence[str], vocabulary: int) -> tuple[int, float]:
    """Learned pieces of two characters or more, and the share of held characters that lie in them."""
    made = libraries.pieces(lines, vocabulary)
    longer = {made.id_to_piece(index) for index in range(3, made.get_piece_size())}
    longer = {piece for piece in longer if len(piece.strip("▁")) > 1}
    cut = [piece for line in held for piece in made.encode(line, out_type=str)]
    inside = sum(len(piece.strip("▁")) for piece in cut if piece in longer)
    return len(longer), inside / sum(len(piece.strip("▁")) for piece in cut)


def covered_by_words(lines: Sequence[str], held: Sequence[str], vocabulary: int) -> float:
    """The share of held characters that lie in the commonest words, of two characters or more, between white space."""
    common = {word for word, _ in Counter(word_counts(lines)).most_common(vocabulary) if len(word) > 1}
    words = [word for line in held for word in line.split()]
    return sum(len(word) for word in words if word in common) / sum(map(len, words))


def cut_otherwise(lines: Sequence[str], held: Sequence[str], vocabulary: int) -> float:
    """The share of held lines that a vocabulary learned without the library's own splitting cuts otherwise."""
    default, whole = (libraries.pieces(lines, vocabulary, **some) for some in ({}, libraries.UNSPLIT))
    other = [bool(default.encode(one, out_type=str) != whole.encode(one, out_type=str)) for one in held]
    return sum(other) / len(held)


def shared_entries(lines: Sequence[str], steps: int) -> float:
    """The share of entries that WordPiece's and byte-pair encoding's trainers of tokenizers have in common."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    alphabet = sorted({letter for line in lines for letter in line if not letter.isspace()})
    size = 2 * len(alphabet) + steps
    entries = []
    for model, trainer in (
        (models.WordPiece(unk_token=libraries.UNKNOWN), trainers.WordPieceTrainer),
        (models.BPE(continuing_subword_prefix="##"), trainers.BpeTrainer),
    ):
        made = Tokenizer(model)
        made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        made.train_from_iterator(
            lines,
            trainer(vocab_size=size, continuing_subword_prefix="##", show_progress=False, initial_alphabet=alphabet),
        )
        entries.append(set(made.get_vocab()))
    return len(entries[0] & entries[1]) / len(entries[0] | entries[1])


def forged(lines: Sequence[str], vocabulary: int, written: Sequence[str]) -> dict[str, int]:
    """By library and setting, plain texts that give a reserved id, and names that do where they are asked for."""
    made = libraries.byte_pairs(lines, vocabulary, SPECIALS)
    reserved = {made.token_to_id(name) for name in SPECIALS}
    encoding = libraries.encoding_of(libraries.ranks_of(made), SPECIALS)
    after = {encoding.encode_single_token(name) for name in SPECIALS}
    settings = {
        "control": {"control_symbols": list(SPECIALS[:3])},
        "user": {"user_defined_symbols": list(SPECIALS[:3])},
    }
    google = {name: libraries.pieces(lines, vocabulary, **some) for name, some in settings.items()}
    counts = {
        "tokenizers": sum(bool(reserved & set(made.encode(one).ids)) for one in written),
        "tiktoken": sum(bool(after & set(encoding.encode_ordinary(one))) for one in written),
        "asked_tokenizers": sum(made.encode(name).ids == [made.token_to_id(name)] for name in SPECIALS),
        "asked_tiktoken": sum(len(encoding.encode(name, allowed_special="all")) == 1 for name in SPECIALS),
    }
    made.encode_special_tokens = True
    counts["tokenizers_told"] = sum(bool(reserved & set(made.encode(one).ids)) for one in written)
    counts["n_user"] = sum(any(name in text for name in SPECIALS[:3]) for text in written)
    for name, one in google.items():
        ids = {one.piece_to_id(special) for special in (SPECIALS[:3] if name == "user" else SPECIALS)}
        counts[f"sentencepiece_{name}"] = sum(bool(ids & set(one.encode(text))) for text in written)
    control = google["control"]
    counts["asked_sentencepiece"] = sum(control.piece_to_id(name) != control.unk_id() for name in SPECIALS)
    return counts
