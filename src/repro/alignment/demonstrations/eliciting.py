"""What demonstrations teach a model that has read facts: the form of an answer, or the facts.

Legend: B facts asked about, K numbers of demonstrations, N examples, T tokens, R tokens of an answer, V vocabulary.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repro.corpora.languages.facts import DOCUMENT, END, SENTENCE, Facts, Told
from repro.floor.arrays import Tokens
from repro.floor.measurement import Diverged, Numbers, measurement

if TYPE_CHECKING:
    from torch import Tensor

    from repro.models.transformer import Transformer
PROMPT = 1 + SENTENCE  # tokens of a question with its start
LEAST_TESTED = 20  # facts, below which a share says little


@dataclass(frozen=True, kw_only=True)
class Eliciting:
    """A decoder that reads facts, and is then fine-tuned on demonstrations about some of them.

    Fields: `demonstrations` numbers of them, each set holding the smaller ones, each tuned from the same start;
    `taught` hidden facts, shown by demonstrations in a tuning of their own; `validated` known facts, by whose loss the
    learning rate and one of the `looks` at a tuning are chosen; `reading` batches of `documents` read before; `steps`
    of a tuning.

    Raises:
        ValueError: too few facts are left to test.
    """

    facts: Facts
    demonstrations: tuple[int, ...] = (0, 4, 16, 64, 256)
    taught: int = 64
    validated: int = 64
    learning_rates: tuple[float, ...] = (3e-4, 1e-3)
    reading_rate: float = 3e-3
    reading: int = 2_000
    documents: int = 32
    steps: int = 120
    looks: int = 4
    batch: int = 32
    width: int = 64
    layers: int = 2

    def __post_init__(self) -> None:
        left = self.facts.known - self.validated - max(self.demonstrations)
        if min(left, self.facts.hidden - self.taught) < LEAST_TESTED:
            raise ValueError(
                f"{left} known and {self.facts.hidden - self.taught} hidden facts are left to test; "
                f"expected at least {LEAST_TESTED} of each"
            )


@measurement(version=1)
def elicited(config: Eliciting, seed: int) -> Numbers:
    """Fine-tune on more and more demonstrations, and ask about known facts that none of them covers.

    Lists run over the numbers of demonstrations. `formed`: share of greedy answers that are one value and the end;
    `nll`: loss of the right ones, nats a token. Of these facts, all, those told in `many` forms and those told in
    `one`: `right`, share of answers that begin with the right value, and `knows`, share of statements whose value is
    what the model goes on with. `untold`: `right` of facts that nothing told; `taught`: of hidden facts after
    demonstrations of these very facts. `learning_rate`: the one chosen, 0 without tuning. `asked` known and
    `untold_asked` hidden facts are tested.

    Raises:
        Diverged: a loss that is no number, in reading or at every learning rate.
    """
    import torch

    told = Told(config.facts, seed)
    covered, validated, tested, taught, untold = parted(config, seed)
    start = _read(config, told, seed)
    groups = {"many": tested[told.form_F[tested] < 0], "one": tested[told.form_F[tested] >= 0]}
    rows: list[dict[str, float]] = []
    for count in config.demonstrations:
        shown = covered[:count]
        model, rate = _tuned(config, start, told, shown, validated, seed) if count else (start, 0.0)
        row = {"learning_rate": rate, "formed": formed(model, told, tested), "untold": right(model, told, untold)}
        for name, fact_B in {"all": tested, **groups}.items():
            row |= {f"right_{name}": right(model, told, fact_B), f"knows_{name}": knows(model, told, fact_B)}
        with torch.no_grad():
            rows.append(row | {"nll": float(_loss(model, told.demonstrations(tested), PROMPT))})
    learnt, taught_rate = _tuned(config, start, told, taught, taught, seed)
    return {
        **{name: [row[name] for row in rows] for name in rows[0]},
        "taught": right(learnt, told, taught),
        "taught_learning_rate": taught_rate,
        "asked": len(tested),
        "untold_asked": len(untold),
    }


def parted(config: Eliciting, seed: int) -> tuple[Tokens, Tokens, Tokens, Tokens, Tokens]:
    """Facts that share none: known ones to demonstrate, to validate and to test, hidden ones to teach and to test."""
    rng, known = np.random.default_rng([seed, 12]), config.facts.known
    order, hidden = rng.permutation(known), known + rng.permutation(config.facts.hidden)
    covered, validated, tested = np.split(order, np.cumsum([max(config.demonstrations), config.validated]))
    return covered, validated, tested, hidden[: config.taught], hidden[config.taught :]


def answers(model: Transformer, told: Told, fact_B: Tokens) -> Tokens:
    """(B, 2) the first two tokens of a greedy answer to the question about each fact."""
    import torch

    written_BT = torch.from_numpy(told.asked(fact_B))
    with torch.no_grad():
        for _ in range(2):
            written_BT = torch.cat([written_BT, model(written_BT)[:, -1:].argmax(-1)], dim=1)
    return written_BT[:, PROMPT:].numpy()


def formed(model: Transformer, told: Told, fact_B: Tokens) -> float:
    """The share of answers that are one value, whichever, and the end."""
    answer_BR = answers(model, told, fact_B)
    return float(np.mean((answer_BR[:, 0] >= told.facts.first_value) & (answer_BR[:, 1] == END)))


def right(model: Transformer, told: Told, fact_B: Tokens) -> float:
    """The share of answers that begin with the right value."""
    return float(np.mean(answers(model, told, fact_B)[:, 0] == told.value_F[fact_B]))


def knows(model: Transformer, told: Told, fact_B: Tokens) -> float:
    """The share of statements of these facts, in the forms that text has them in, whose value comes first to mind."""
    import torch

    begun_NT = np.concatenate([told.begun(fact_B, form) for form in range(told.facts.forms)])
    with torch.no_grad():
        said_N = model(torch.from_numpy(begun_NT))[:, -1].argmax(-1).numpy()
    return float(np.mean(said_N == np.tile(told.value_F[fact_B], told.facts.forms)))


def _read(config: Eliciting, told: Told, seed: int) -> Transformer:
    """A decoder that has read documents, with the loss of every token."""
    import torch

    from repro.alignment.methods.replies import Descent
    from repro.models.decoder import Decoder
    from repro.models.transformer import Transformer

    torch.manual_seed(seed)
    heads = max(1, config.width // 16)
    model = Transformer(
        Decoder(
            vocabulary=told.facts.vocabulary, width=config.width, layers=config.layers, heads=heads, context=DOCUMENT
        )
    )
    descent, rng = Descent([model], config.reading_rate), np.random.default_rng([seed, 13])
    for _ in range(config.reading):
        try:
            descent.step(_loss(model, told.documents(config.documents, rng), asked=1))
        except FloatingPointError as error:
            raise Diverged(f"in reading, {error}") from error
    return model


def _tuned(
    config: Eliciting, start: Transformer, told: Told, shown_N: Tokens, judges_N: Tokens, seed: int
) -> tuple[Transformer, float]:
    """The model, among learning rates and looks, with the least loss of the judges' answers; and its rate."""
    import torch

    judged_NT, found = told.demonstrations(judges_N), []
    for rate in config.learning_rates:
        for model in _looks(config, start, told.demonstrations(shown_N), rate, seed):
            with torch.no_grad():
                found.append((float(_loss(model, judged_NT, PROMPT)), rate, model))
    if not found:
        raise Diverged(f"a loss was no number at each of {config.learning_rates}")
    _, rate, model = min(found, key=lambda one: one[0])
    return model, rate


def _looks(config: Eliciting, start: Transformer, shown_NT: Tokens, rate: float, seed: int) -> list[Transformer]:
    """The model at each look of one tuning on the answers, up to where its loss is no number."""
    from repro.alignment.methods.replies import Descent

    model, looks, rng = copy.deepcopy(start), [], np.random.default_rng([seed, 14])
    descent, order_N = Descent([model], rate), np.empty(0, dtype=np.int64)
    for step in range(1, config.steps + 1):
        while len(order_N) < min(config.batch, len(shown_NT)):
            order_N = np.concatenate([order_N, rng.permutation(len(shown_NT))])
        index_B, order_N = order_N[: config.batch], order_N[config.batch :]
        try:
            descent.step(_loss(model, shown_NT[index_B], PROMPT))
        except FloatingPointError:
            break
        if step % (config.steps // config.looks) == 0:
            looks.append(copy.deepcopy(model))
    return looks


def _loss(model: Transformer, tokens_NT: Tokens, asked: int) -> Tensor:
    """Mean cross-entropy of what stands after the first so many tokens, nats a token."""
    import torch

    from repro.alignment.methods.replies import taken, word_log_probs

    tokens = torch.from_numpy(tokens_NT)
    return -taken(word_log_probs(model, tokens, asked), tokens).mean()
