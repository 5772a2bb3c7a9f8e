"""Trials of filters: passages dealt out by packages, a classifier fitted and judged, and a model trained on a half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from repro.corpora.texts.packages import documents_of
from repro.curation.filters.badness import in_another_alphabet, made_bad, prose_of
from repro.curation.filters.classifier import Classifier, area, in_bytes, rule_scores, surprise_scores
from repro.curation.filters.configurations import KINDS, UNLIKE, Filtering, Kept
from repro.floor.arrays import Array

Scores = Callable[[Sequence[str]], Array]

REFUSED = 0.05  # of the judged packages' good passages a threshold refuses
FEWEST = 400  # characters of a passage
SPARE = 1.25  # passages of the pool over those that a run reads: some are short


@dataclass(frozen=True)
class Dealt:
    """The passages of a trial, bad and unlike ones by kind.

    Fields: `reference`, all good; `raw_good` and `raw_bad`, the halves of the raw mix that a classifier learns from;
    `pool_good` and `pool_bad`, those of more such mix; `judged`, all good, `judged_bad`, and `unlike`, good but other.
    """

    reference: list[str]
    raw_good: list[str]
    raw_bad: dict[str, list[str]]
    pool_good: list[str]
    pool_bad: dict[str, list[str]]
    judged: list[str]
    judged_bad: dict[str, list[str]]
    unlike: dict[str, list[str]]

    def raw(self, without: str = "") -> list[str]:
        """The raw mix, if wanted without a kind of bad text."""
        return [*self.raw_good, *(text for kind, texts in self.raw_bad.items() if kind != without for text in texts)]


def documents_dealt(config: Filtering, seed: int) -> tuple[list[str], list[str], list[str]]:
    """Documents of the reference, of the raw mix and of the test, in this trial."""
    rng, text = np.random.default_rng([seed, 61]), config.text
    found = documents_of(text.manifest, text.sha256, text.train)
    order = rng.permutation(text.train).tolist()
    judged, rest = order[: config.judged], order[config.judged :]
    half = len(rest) // 2
    if config.apart:
        named = [rest[:half], rest[half:], judged]
        reference, raw, test = ([document for name in names for document in found[name]] for names in named)
        return reference, raw, test
    pooled = [document for name in rest for document in found[name]]
    dealt = [pooled[place] for place in rng.permutation(len(pooled)).tolist()]
    return dealt[::2], dealt[1::2], [document for name in judged for document in found[name]]


def dealt(config: Filtering, seed: int, pool: int = 0) -> Dealt:
    """The passages of a trial, with so many more of the raw mix in its pool."""
    rng, groups = np.random.default_rng([seed, 62]), documents_dealt(config, seed)
    half, counts = config.passages, (config.passages, config.passages + pool, 2 * config.passages)
    reference, mix, judged = (
        passages_of(group, count, config.length, rng) for group, count in zip(groups, counts, strict=True)
    )
    unlike = {
        "prose": [prose for document in groups[2] if len(prose := prose_of(document, config.length)) >= FEWEST],
        "another alphabet": [in_another_alphabet(passage) for passage in judged[:half]],
    }
    assert set(unlike) == set(UNLIKE)
    return Dealt(
        reference=reference,
        raw_good=mix[:half:2],
        raw_bad=bad_by_kind(mix[1:half:2], 0, rng),
        pool_good=mix[half::2],
        pool_bad=bad_by_kind(mix[half + 1 :: 2], 0, rng),
        judged=judged[:half],
        judged_bad=bad_by_kind(judged[half:], 1, rng),
        unlike=unlike,
    )


def passages_of(documents: list[str], count: int, length: int, rng: np.random.Generator) -> list[str]:
    """So many passages of at most `length` characters, each from a line on in a document, documents by turns.

    Raises:
        ValueError: no document is long enough.
    """
    long = [document for document in documents if len(document) >= 2 * FEWEST]
    if not long:
        raise ValueError(f"no document of {2 * FEWEST} characters among {len(documents)}; name other packages")
    order = [place for _ in range(0, count, len(long)) for place in rng.permutation(len(long)).tolist()]
    found = []
    for place in order[:count]:
        document = long[place]
        start = document.rfind("\n", 0, 1 + int(rng.integers(max(1, len(document) - length)))) + 1
        found.append(document[start : start + length])
    return found


def bad_by_kind(passages: list[str], half: int, rng: np.random.Generator) -> dict[str, list[str]]:
    """The passages made bad, an equal share of them in each kind."""
    return {
        kind: [made_bad(kind, passage, half, rng) for passage in passages[place :: len(KINDS)]]
        for place, kind in enumerate(KINDS)
    }


def filter_numbers(config: Filtering, seed: int) -> dict[str, float | int]:
    """The numbers of `filter_scores`."""
    parts, slots = dealt(config, seed), config.slots
    whole = Classifier(parts.reference, parts.raw(), slots)
    ways: dict[str, Scores] = {
        "known": whole.scores,
        "rules": rule_scores,
        "surprise": partial(surprise_scores, parts.reference),
    }
    good = {way: scores(parts.judged) for way, scores in ways.items()}
    bad = {way: {kind: scores(texts) for kind, texts in parts.judged_bad.items()} for way, scores in ways.items()}
    threshold = float(np.quantile(good["known"], REFUSED))
    numbers: dict[str, float | int] = {
        f"{kind}: {way}": area(good[way], scores) for way in ways for kind, scores in bad[way].items()
    }
    for group in dict.fromkeys(KINDS.values()):
        of_group = [bad["known"][kind] for kind, own in KINDS.items() if own == group]
        whole_group = np.concatenate(of_group)
        numbers[group] = area(good["known"], whole_group)
        numbers[f"{group}: refused"] = int((whole_group < threshold).sum())
        numbers[f"{group}: of"] = len(whole_group)
    for kind, texts in parts.judged_bad.items():
        without = Classifier(parts.reference, parts.raw(without=kind), slots, whole.penalty)
        numbers[f"{kind}: new"] = area(without.scores(parts.judged), without.scores(texts))
    numbers |= {f"refused {name}": _share_below(threshold, whole.scores(each)) for name, each in parts.unlike.items()}
    numbers["refused alike"] = _share_below(threshold, good["known"])
    return {**numbers, "prose": float(len(parts.unlike["prose"])), "penalty": whole.penalty}


def _share_below(threshold: float, scores: Array) -> float:
    return float((scores < threshold).mean())


def kept_loss(config: Kept, seed: int) -> dict[str, float | int]:
    """The numbers of `train_on_half`."""
    from repro.corpora.texts.text import Tokens as Split
    from repro.training.loop import Trainer
    from repro.training.run import finite, trunk_rate

    filtering, run = config.filtering, config.run
    wanted = run.readings[-1]
    parts = dealt(filtering, seed, pool=2 * round(SPARE * wanted / filtering.length))
    kept, good = _kept(config, parts, seed)
    train, test = in_bytes(kept), in_bytes(parts.judged)
    trainer = Trainer(run, seed, Split(train, test, run.text.vocabulary, 1.0, None, ""))
    steps = run.steps(wanted)
    for step in range(steps):
        trainer.step(step, trunk_rate(run, step + 1))
    return {"loss": finite(trainer.test_loss(), steps), "good": good, "bytes": len(train), "read": steps * run.batch}


def _kept(config: Kept, parts: Dealt, seed: int) -> tuple[list[str], float]:
    """The half of the pool that is trained on, in a random order, and the share of it that is good."""
    pool = [*parts.pool_good, *(text for texts in parts.pool_bad.values() for text in texts)]
    rng, good = np.random.default_rng([seed, 63]), np.arange(len(pool)) < len(parts.pool_good)
    scores: Array = rng.random(len(pool))
    if config.keeps == "classifier":
        scores = Classifier(parts.reference, parts.raw(), config.filtering.slots).scores(pool)
    elif config.keeps == "good":
        scores = scores + good
    chosen = rng.permutation(np.argsort(scores)[::-1][: len(pool) // 2])
    return [pool[place] for place in chosen.tolist()], float(good[chosen].mean())
