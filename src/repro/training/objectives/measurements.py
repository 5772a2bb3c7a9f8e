"""What objectives compute, as measurements: who sees whom, which loss it is, what is hidden, and how it is coded."""

from __future__ import annotations

import numpy as np

from repro.floor.measurement import Numbers, measurement
from repro.training.objectives.coding import decoded, encoded, merging_costs
from repro.training.objectives.configurations import (
    Coded,
    Collated,
    Losses,
    Marks,
    Objective,
    Sight,
    Spanned,
    Vocabulary,
)
from repro.training.objectives.corruptions import drawn_spans, masked, restored, spans_apart


@measurement(version=1)
def dependence_of(config: Sight, seed: int) -> Numbers:
    """The `derivatives` of logits by what is read, token by token of the logits, the largest of each pair of tokens."""
    from repro.training.objectives.laws import dependence

    return {"derivatives": dependence(config, seed).ravel().tolist()}


@measurement(version=1)
def losses_agree(config: Losses, seed: int) -> Numbers:
    """How far gradients of other losses lie from that of -sum log P, over its norm, and what raising that sum does.

    `entropy` is the summed cross-entropy, `divergence` that from one-hot labels, `mean` the mean cross-entropy;
    `reached` the share of positions whose logits get a gradient; `raised` and `lowered` the nats per token by which
    -log P of fresh text rises in 50 steps up or down.
    """
    from repro.training.objectives.laws import after_steps, one_loss

    steps = {"raised": after_steps(config, seed, 1), "lowered": after_steps(config, seed, -1)}
    return {**one_loss(config, seed), **steps}


@measurement(version=1)
def vocabulary_law(config: Vocabulary, seed: int) -> Numbers:
    """What softmax makes of logits in one precision; numbers as in `law_of`."""
    from repro.training.objectives.laws import law_of

    return law_of(config, seed)


@measurement(version=1)
def labels_of(config: Losses, seed: int) -> Numbers:
    """The share `other` of labels of our windows that are not the next token of the text, and the library's losses.

    `library` is the difference of its loss from ours where labels are the inputs themselves, `twice` where they were
    moved by one before: it moves them itself.
    """
    from repro.training.objectives.laws import library_loss
    from repro.training.windows import WindowOrder

    text = np.random.default_rng(seed).integers(config.shape.vocabulary, size=5_000)
    order = WindowOrder(np.arange(len(text)), time=config.shape.context, seed=seed)
    places, labels = (np.concatenate(part) for part in zip(*(order.batch(step, 16) for step in range(20)), strict=True))
    (same, own), (moved, _) = library_loss(0, seed), library_loss(1, seed)
    return {"other": float((text[labels] != text[places + 1]).mean()), "library": same - own, "twice": moved - own}


@measurement(version=1)
def coded_text(config: Coded, seed: int) -> Numbers:
    """`bytes` of an arithmetic coder, `ideal` -sum log2 P / 8, whether they are `decoded`, and what states are for.

    `raw` are the bytes of equally likely symbols, `merged` the least nats per token that taking two states of the
    language for one costs.
    """
    from repro.models.ngrams import NGrams

    text = config.language.draw("test")[: config.tokens].astype(np.int64)
    model = NGrams(config.language.draw("train"), vocabulary=config.language.symbols, order=config.order)
    laws = {}

    def law(past: np.ndarray) -> np.ndarray:
        history = tuple(past[max(0, len(past) - config.order + 1) :].tolist())
        if history not in laws:
            laws[history] = model.law(history)
        return laws[history]

    code = encoded(text, law)
    ideal = -sum(np.log2(law(text[:place])[token]) for place, token in enumerate(text)) / 8
    costs = merging_costs(*config.language.states())
    return {
        "bytes": len(code),
        "ideal": float(ideal),
        "raw": float(len(text) * np.log2(config.language.symbols) / 8),
        "decoded": bool((decoded(code, len(text), law) == text).all()),
        "merged": float(costs[~np.eye(len(costs), dtype=bool)].min()),
    }


@measurement(version=1)
def spans_taken(config: Spanned, seed: int) -> Numbers:
    """Lines `unrestored` from their rest and target, the `share` hidden, the mean `span`, and `target` over text."""
    rng, hidden = np.random.default_rng(seed), max(1, round(config.length * config.objective.rate))
    marks = Marks(words=1_000, sentinels=1 + max(1, round(hidden / config.objective.span)))
    lines_BT = rng.integers(marks.words, size=(config.lines, config.length))
    given, target = spans_apart(lines_BT, config.objective, marks, rng)
    again = (restored(*pair, marks) for pair in zip(given, target, strict=True))
    unrestored = sum(not np.array_equal(line, words) for line, words in zip(again, lines_BT, strict=True))
    hidden_BT, _ = drawn_spans(config.lines, config.length, config.objective, rng)
    runs = int((np.diff(np.pad(hidden_BT, ((0, 0), (1, 0))).astype(int), axis=1) == 1).sum())
    return {
        "unrestored": int(unrestored),
        "share": float(hidden_BT.mean()),
        "span": float(hidden_BT.sum() / runs),
        "target": target.shape[1] / config.length,
    }


@measurement(version=1)
def masks_drawn(config: Collated, seed: int) -> Numbers:
    """The share of tokens `asked` for, and of these the shares that became `mask`, `other` or stayed `same`.

    A random word is the token itself once in as many as there are words, and is then counted as `same`.
    """
    marks, length = Marks(words=config.words), 100
    rng = np.random.default_rng(seed)
    lines_BT = rng.integers(config.words, size=(config.tokens // length, length))
    if config.library:
        from repro.training.objectives.laws import collated

        read_BT, asked_BT = collated(lines_BT, marks, seed)
    else:
        read_BT, asked_BT = masked(Objective(kind="masked"), marks, lines_BT, rng)
    read, words = read_BT[asked_BT], lines_BT[asked_BT]
    fates = {"mask": read == marks.mask, "same": read == words, "other": (read != words) & (read != marks.mask)}
    unasked = float((read_BT[~asked_BT] != lines_BT[~asked_BT]).mean())
    return {
        "asked": float(asked_BT.mean()),
        "changed_unasked": unasked,
        **{name: float(fate.mean()) for name, fate in fates.items()},
    }
