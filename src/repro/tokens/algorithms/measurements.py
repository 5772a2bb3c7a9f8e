"""What is measured of tokenisers' algorithms: each number is a count of strings, steps or entries, or their nats."""

from __future__ import annotations

from typing import Any

import numpy as np

from repro.floor.measurement import Numbers, measurement
from repro.tokens.algorithms.configurations import (
    SPECIALS,
    TRAINED,
    Alphabet,
    Pieces,
    Pruning,
    Ranks,
    SmallPruning,
    Strings,
    Toy,
    Training,
    Unspaced,
)


@measurement(version=1)
def merges_followed(config: Training, seed: int) -> Numbers:
    """Of the merges that tokenizers learns, how many `depart` from the most frequent pair, and how many were `tied`.

    `depart_second` is that count for merges of a trainer that takes a less frequent pair: what the check makes of a
    falsehood. `longer` entries before the first merge are no single symbol; `missing` is the target less the entries.
    """
    from repro.tokens.algorithms import libraries, merges, texts

    lines = texts.lines_of(config.lines, seed)
    words = texts.symbols_of(texts.word_counts(lines))
    made = libraries.character_pairs(lines, config.steps)
    steps = libraries.merges_of(made)
    depart, tied = merges.departures(words, steps)
    false, _ = merges.departures(words, merges.learned(words, config.steps, merges.second))
    alphabet = {symbol for word in words for symbol in word}
    start = set(made.get_vocab()) - {left + right for left, right in steps} - {libraries.UNKNOWN}
    return {
        "steps": len(steps),
        "depart": depart,
        "tied": tied,
        "depart_second": false,
        "longer": len(start - alphabet),
        "missing": 1 + len(alphabet) + config.steps - made.get_vocab_size(),
    }


@measurement(version=1)
def merge_orders(config: Toy, seed: int) -> Numbers:
    """The `orders` of merges that the description allows for these words, and the one that each library takes."""
    from repro.tokens.algorithms import libraries, merges

    words = {tuple(word): times for word, times in config.words}
    lines = [word for word, times in config.words for _ in range(times)]
    allowed = merges.orders(words, config.steps)
    theirs = libraries.merges_of(libraries.character_pairs(lines, config.steps))
    google = libraries.pieces(lines, 100, model_type="bpe", add_dummy_prefix=False)
    learned = [google.id_to_piece(index) for index in range(3, google.get_piece_size())]
    return {
        "orders": [" ".join(left + right for left, right in path) for path in allowed],
        "tokenizers": " ".join(left + right for left, right in theirs),
        "sentencepiece": " ".join([piece for piece in learned if len(piece) > 1][: config.steps]),
    }


@measurement(version=1)
def encoders_agree(config: Strings, seed: int) -> Numbers:
    """Of `words` and random strings, how many replay cuts `otherwise` than lowest rank first, and than tokenizers.

    `otherwise_shuffled` is that count for the same merges in random order, which no training gives.
    """
    from repro.tokens.algorithms import libraries, merges, texts

    rng = np.random.default_rng([seed, 2])
    lines = texts.lines_of(config.lines, seed)
    known = texts.word_counts(lines)
    made = libraries.character_pairs(lines, config.steps)
    learned = libraries.merges_of(made)
    mixed = [learned[index] for index in rng.permutation(len(learned))]
    words = [*known, *texts.unseen_words(config.strings, "".join(known), known, rng)]

    def otherwise(steps: list[merges.Pair]) -> int:
        ranks = {pair: rank for rank, pair in enumerate(steps)}
        return sum(merges.replayed(word, steps) != merges.lowest_rank_first(word, ranks) for word in words)

    theirs = sum(merges.replayed(word, learned) != made.encode(word).tokens for word in words)
    counts = {"otherwise": otherwise(learned), "otherwise_shuffled": otherwise(mixed)}
    return {"words": len(words), **counts, "otherwise_library": theirs}


@measurement(version=1)
def strings_returned(config: Strings, seed: int) -> Numbers:
    """How many strings of each kind do not come back from byte-pair encodings that start from characters or bytes.

    Kinds: every code point in strings of 64 (`points`), random strings of all planes (`random`), bytes that are no
    UTF-8 (`bytes`), strings of characters that were read (`seen`), lines of other languages (`lines`). Ways: the
    `pseudocode` that looks pieces up, tokenizers from `characters`, tokenizers and `tiktoken` from bytes.
    """
    from repro.tokens.algorithms import libraries, texts
    from repro.tokens.algorithms.roundtrips import lost

    rng = np.random.default_rng([seed, 3])
    lines = texts.lines_of(config.lines, seed)
    known = texts.word_counts(lines)
    kinds = {
        "points": texts.every_code_point(),
        "random": texts.random_strings(config.strings, rng),
        "seen": texts.unseen_words(config.strings, "".join(known), known, rng),
        "lines": texts.lines_of(config.others, seed) if config.others else [],
    }
    wild = texts.random_bytes(config.strings, rng)
    encoding = libraries.encoding_of(libraries.ranks_of(libraries.byte_pairs(lines, config.steps)))
    returned = sum(encoding.decode_bytes(encoding._encode_bytes(one)) != one for one in wild)
    counts = {f"n_{kind}": len(strings) for kind, strings in kinds.items()} | {"n_bytes": len(wild)}
    return {**counts, **lost(lines, config.steps, kinds), "tiktoken_bytes": returned}


@measurement(version=1)
def first_ranks(config: Ranks, seed: int) -> Numbers:
    """The entries of one byte among the `first` 256 of a rank file, and among `all` of it, by different bytes."""
    from repro.tokens.algorithms.roundtrips import ranks_of

    ranks = ranks_of(config, seed)
    single = {entry: rank for entry, rank in ranks.items() if len(entry) == 1}
    return {"first": sum(rank < 256 for rank in single.values()), "all": len(single), "entries": len(ranks)}


@measurement(version=1)
def pattern_needed(config: Ranks, seed: int) -> Numbers:
    """Of `lines`, how many get `other` tokens if the pattern that cuts by kind of character is left out.

    Of a vocabulary trained here, `across` of its `steps` merges join what the pattern would have cut, once trained
    without it.
    """
    from repro.tokens.algorithms import libraries, texts
    from repro.tokens.algorithms.roundtrips import ranks_of, spanning

    held = texts.lines_of(config.held, seed)
    ranks = ranks_of(config, seed)
    cut, whole = (libraries.encoding_of(ranks, pattern=one) for one in (config.pattern, libraries.NO_PATTERN))
    other = sum(cut.encode_ordinary(line) != whole.encode_ordinary(line) for line in held)
    across = spanning(texts.lines_of(config.lines, seed), config.steps) if config.name == TRAINED else None
    return {"lines": len(held), "other": other, "steps": config.steps, "across": across}


@measurement(version=1)
def unseen_pieces(config: Pieces, seed: int) -> Numbers:
    """What SentencePiece makes of unseen characters, unseen words and bytes that are no UTF-8.

    `unknown_<model>` unseen characters of `strings` that give an unknown piece under defaults, `unknown_fallback` with
    byte fallback; `words_<model>` unseen words of letters that were read which give one, `covered_<model>` where the
    trainer is told to keep every letter; `bytes_changed` byte strings that do not come back, set as for Llama.
    """
    from repro.tokens.algorithms import texts
    from repro.tokens.algorithms.roundtrips import unknown_pieces

    rng = np.random.default_rng([seed, 4])
    lines = texts.lines_of(config.lines, seed)
    known = texts.word_counts(lines)
    characters = texts.unseen_characters(config.strings, "".join(lines), rng)
    words = texts.unseen_words(config.strings, "".join(known), known, rng)
    wild = texts.random_bytes(config.strings, rng)
    return {"n": config.strings, **unknown_pieces(lines, config.vocabulary, characters, words, wild)}


@measurement(version=1)
def texts_changed(config: Pieces, seed: int) -> Numbers:
    """How many texts SentencePiece does not return: `default`, with byte `fallback` alone, and set as for `llama`.

    Kinds: `clean` lines that it has not read, lines with stumbles in them (`stumbles`), the same with U+2581 (`mark`),
    random strings of all planes without it (`random`).
    """
    from repro.tokens.algorithms import libraries, texts

    rng = np.random.default_rng([seed, 5])
    lines = texts.lines_of(config.lines, seed)
    learned, clean = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    stumbles = texts.stumbling_texts(config.strings, clean, rng)
    drawn = [one for one in texts.random_strings(config.strings, rng) if texts.BLOCK not in one]
    kinds = {"clean": clean, "stumbles": stumbles, "mark": texts.with_block(stumbles, rng), "random": drawn}
    ways: dict[str, dict[str, Any]] = {
        "default": {},
        "fallback": {"byte_fallback": True},
        "llama": libraries.LIKE_LLAMA,
    }
    changed = {}
    for way, settings in ways.items():
        made = libraries.pieces(learned, config.vocabulary, **settings)
        for kind, strings in kinds.items():
            changed[f"{way}_{kind}"] = sum(made.decode(made.encode(one)) != one for one in strings)
    return {**{f"n_{kind}": len(strings) for kind, strings in kinds.items()}, **changed}


@measurement(version=1)
def unspaced_learned(config: Unspaced, seed: int) -> Numbers:
    """Pieces that SentencePiece learns from text as it stands, and how it cuts lines that it never read.

    `longer` pieces of two characters or more that it learned, `covered` the share of held characters inside such
    pieces, `covered_by_words` the share inside as many of the commonest words between white space, which is what a
    tokeniser that needs spaces has; `other` the share of held lines that are cut otherwise without its own splitting at
    white space, digits and scripts.
    """
    from repro.tokens.algorithms import texts
    from repro.tokens.algorithms.roundtrips import covered, covered_by_words, cut_otherwise

    lines, held = (texts.lines_of(one, seed) for one in (config.lines, config.held))
    longer, share = covered(lines, held, config.vocabulary)
    return {
        "longer": longer,
        "covered": share,
        "covered_by_words": covered_by_words(lines, held, config.vocabulary),
        "other": cut_otherwise(lines, held, config.vocabulary),
    }


@measurement(version=1)
def criteria_agree(config: Training, seed: int) -> Numbers:
    """Of `steps` by the largest exact gain, in how many WordPiece's score (`by_score`) and counts (`by_count`) agree.

    `shared` is the share of entries that tokenizers' WordPiece trainer has in common with its byte-pair trainer. The
    library breaks ties as its hash tables fall, so a few entries may differ from one run to the next.
    """
    from repro.tokens.algorithms import texts
    from repro.tokens.algorithms.roundtrips import shared_entries
    from repro.tokens.algorithms.wordpiece import agreement

    lines = texts.lines_of(config.lines, seed)
    seen = agreement(texts.symbols_of(texts.word_counts(lines), "##"), config.steps)
    agreed = {"steps": seen.steps, "by_score": seen.by_score, "by_count": seen.by_count}
    return {**agreed, "shared": shared_entries(lines, config.steps)}


@measurement(version=1)
def pruned_vocabularies(config: Pruning, seed: int) -> Numbers:
    """Nats per word of unigram vocabularies of equal size, each fitted again: of all candidates, and of those left.

    `all` candidates; those that SentencePiece leaves of them (`library`); as many by our own loss (`by_loss`), by
    expected count (`by_expected`), by raw count (`by_count`) and by lot (`by_lot`, the mean of some draws).
    """
    from repro.tokens.algorithms import libraries, texts, unigram

    lines = texts.lines_of(config.lines, seed)
    words = texts.word_counts(lines, texts.BLOCK)
    candidates = unigram.candidates(words, config.candidates)
    fitted = unigram.Unigram(words, candidates)
    alphabet = {letter for word in words for letter in word}
    size = 3 + len(alphabet) + round(config.kept * len(candidates))  # unknown, beginning and end of a text
    library = libraries.pruned(lines, candidates, size)
    gone = len(candidates) - len(library)
    expected = {piece: fitted.expected[piece] for piece in candidates}
    rng = np.random.default_rng([seed, 6])
    lots = [unigram.left_at_random(candidates, gone, rng) for _ in range(config.draws)]
    chosen = {"library": library, "by_loss": unigram.left_by_loss(fitted, gone)}
    chosen |= {
        "by_expected": unigram.left_by_count(expected, gone),
        "by_count": unigram.left_by_count(candidates, gone),
    }
    nats = {name: unigram.Unigram(words, some).nats_per_word for name, some in chosen.items()}
    by_lot = [unigram.Unigram(words, some).nats_per_word for some in lots]
    counts = {"candidates": len(candidates), "left": len(library)}
    return {**counts, "all": fitted.nats_per_word, **nats, "by_lot": float(np.mean(by_lot))}


@measurement(version=1)
def every_removal_tried(config: SmallPruning, seed: int) -> Numbers:
    """Nats per word after removing pieces: by `loss`, by `count`, at `best` and in the `mean` over all sets tried."""
    from repro.tokens.algorithms import unigram
    from repro.tokens.algorithms.texts import few_words

    words = few_words(config.types, np.random.default_rng([seed, 7]))
    pieces = unigram.candidates(words, config.candidates)
    fitted = unigram.Unigram(words, pieces)
    tried = unigram.every_removal(words, pieces, config.removed)
    by_loss = tried[frozenset(unigram.left_by_loss(fitted, config.removed))]
    by_count = tried[frozenset(unigram.left_by_count(pieces, config.removed))]
    nats = {"all": fitted.nats_per_word, "loss": by_loss, "count": by_count, "best": min(tried.values())}
    return {"sets": len(tried), **nats, "mean": float(np.mean(list(tried.values())))}


@measurement(version=1)
def alphabet_needed(config: Alphabet, seed: int) -> Numbers:
    """The share of characters of held text `outside` the commonest `size` of the text that was read.

    `different` counts the characters that either holds.
    """
    from collections import Counter

    from repro.tokens.algorithms import texts

    read, held = (Counter("".join(texts.lines_of(one, seed))) for one in (config.lines, config.held))
    alphabet = {character for character, _ in read.most_common(config.size)}
    outside = sum(count for character, count in held.items() if character not in alphabet)
    return {"outside": outside / held.total(), "different": len(read | held), "read": len(read)}


@measurement(version=1)
def reserved_from_text(config: Pieces, seed: int) -> Numbers:
    """How many plain texts that name a reserved token give its id, by library and setting, out of `n`.

    `asked_<library>` counts the names that are one reserved id where the caller asks for it by name, out of `names`.
    """
    from repro.tokens.algorithms import texts
    from repro.tokens.algorithms.roundtrips import forged

    lines = texts.lines_of(config.lines, seed)
    rng = np.random.default_rng([seed, 8])
    written = []
    for index in rng.integers(0, len(lines), size=config.strings):
        at = int(rng.integers(0, len(lines[index]) + 1))
        name = SPECIALS[int(rng.integers(len(SPECIALS)))]
        written.append(lines[index][:at] + name + lines[index][at:])
    return {"n": len(written), "names": len(SPECIALS), **forged(lines, config.vocabulary, written)}
