"""Small byte-level vocabularies of our own, for the book's calculator and for pages on machines that have no others.

The 256 bytes are the first tokens, in their order, and each merge of two earlier tokens is the next. Encoding merges by
rank, as tiktoken does: of all neighbours whose bytes are an entry, those of the lowest rank.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from repro.corpora.parallel import sentences
from repro.corpora.texts.extras import needing_training
from repro.corpora.vocabularies.published import Vocabulary, form_of_pattern, pattern_of_entries, patterns

FILE = "ours.json"
PATTERN = "marks"
# The declaration of human rights in English and 20 more languages of eleven scripts.
LANGUAGES = (
    *("eng", "spa", "fra", "deu_1996", "por_PT", "pol", "tur", "vie", "ind", "swh", "rus", "ell_monotonic", "heb"),
    *("arb", "hin", "ben", "tam", "tha", "cmn_hans", "jpn", "kor"),
)
SIZES = {"world-1024": 1024, "world-4096": 4096, "python-2048": 2048}


@cache
def our_vocabularies() -> dict[str, dict[str, Any]]:
    """All of ours by name: `about`, `text` (the sha256 of what they were trained on), `pattern`, and `merges`.

    Merges are pairs of tokens, one pair after another in one list.
    """
    known: dict[str, dict[str, Any]] = json.loads(our_file().read_text(encoding="utf-8"))
    return known


def our_file() -> Path:
    """The file that holds them, which `repro data train-vocabularies` writes."""
    return Path(__file__).with_name(FILE)


def our_vocabulary(name: str) -> Vocabulary:
    """One of ours, for a configuration."""
    known = our_vocabularies()[name]
    spelled = json.dumps(known["merges"], separators=(",", ":"))
    return Vocabulary(name=name, sha256=sha256(spelled.encode()).hexdigest(), reads="ours", pattern=known["pattern"])


def our_ranks(name: str) -> dict[bytes, int]:
    """The entries of one of ours with their ranks."""
    entries = [bytes([byte]) for byte in range(256)]
    merges = iter(our_vocabularies()[name]["merges"])
    for left, right in zip(merges, merges, strict=True):
        entries.append(entries[left] + entries[right])
    return {entry: rank for rank, entry in enumerate(entries)}


def train_ours(source: Path) -> str:
    """All of ours, trained anew, as their file spells them.

    Args:
        source: the folder of the Python files that `python-` is trained on.

    Raises:
        ParallelMissing: the declaration is not at hand.
    """
    world = [article for language in LANGUAGES for article in sentences("udhr", language)]
    files = [path.read_text(encoding="utf-8") for path in sorted(source.rglob("*.py"))]
    texts = {"world": world, "python": files}
    about = {
        "world": f"trained on the Universal Declaration of Human Rights in {len(LANGUAGES)} languages",
        "python": "trained on the Python source of this book",
    }
    made = {}
    for name, size in SIZES.items():
        kind = name.partition("-")[0]
        merges = [token for pair in learned_merges(texts[kind], size - 256, patterns()[PATTERN]) for token in pair]
        text = sha256("\0".join(texts[kind]).encode()).hexdigest()
        made[name] = {"about": f"{size:,} entries, {about[kind]}", "text": text, "pattern": PATTERN, "merges": merges}
    return json.dumps(made, separators=(",", ":")) + "\n"


def learned_merges(texts: Sequence[str], merges: int, pattern: str) -> list[tuple[int, int]]:
    """The merges that byte-pair encoding learns from texts, as pairs of tokens.

    Raises:
        ValueError: the texts hold fewer pairs.
    """
    with needing_training():
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    cut = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=256 + merges, initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator(texts, trainer)
    learned = json.loads(bpe.to_str())["model"]["merges"]
    if len(learned) < merges:
        raise ValueError(f"the texts gave {len(learned)} merges, not {merges}; ask for fewer or give more text")
    ids = {_spelling(byte): byte for byte in range(256)}
    pairs = []
    for left, right in learned:
        pairs.append((ids[left], ids[right]))
        ids[left + right] = 256 + len(pairs) - 1
    return pairs


def _spelling(byte: int) -> str:
    """A byte as GPT-2 writes it."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return chr(byte) if byte in kept else chr(256 + [one for one in range(256) if one not in kept].index(byte))


def for_pages() -> dict[str, Any]:
    """What the book's calculator reads: our vocabularies, and patterns with what goes with each."""
    return {
        "vocabularies": {
            name: {
                **{field: entry[field] for field in ("about", "pattern", "merges")},
                "sha256": our_vocabulary(name).sha256,
            }
            for name, entry in our_vocabularies().items()
        },
        "patterns": patterns(),
        "entries": pattern_of_entries(),
        "forms": form_of_pattern(),
    }
