"""A decoder that has read facts, fine-tuned on demonstrations, and asked about facts that none of them covers.

Legend: B facts asked about, N examples, T tokens, R tokens of an answer, V vocabulary.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from repro.alignment.demonstrations.configurations import Eliciting
from repro.alignment.methods.optimiser import WarmAdam
from repro.alignment.methods.replies import token_log_probs
from repro.corpora.languages.facts import DOCUMENT, END, SENTENCE, FactBase
from repro.floor.arrays import Tokens
from repro.floor.measurement import Diverged
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

PROMPT = 1 + SENTENCE  # tokens of a question with its start


@dataclass(frozen=True)
class FactSets:
    """Sets of facts that share none: known ones to demonstrate, validate and test, hidden ones to teach and to test."""

    covered: Tokens
    validated: Tokens
    tested: Tokens
    taught: Tokens
    untold: Tokens


def deal_facts(config: Eliciting, seed: int) -> FactSets:
    """All facts, dealt to the sets at random."""
    rng, known = np.random.default_rng([seed, 12]), config.facts.known
    order, hidden = rng.permutation(known), known + rng.permutation(config.facts.hidden)
    covered, validated, tested = np.split(order, np.cumsum([max(config.demonstrations), config.validated]))
    return FactSets(covered, validated, tested, hidden[: config.taught], hidden[config.taught :])


def well_read(config: Eliciting, base: FactBase, seed: int) -> Transformer:
    """A decoder that has read documents, with the loss of every token.

    Raises:
        Diverged: a loss that is no number.
    """
    torch.manual_seed(seed)
    shape = Decoder(
        vocabulary=base.facts.vocabulary,
        width=config.width,
        layers=config.layers,
        heads=max(1, config.width // 16),
        context=DOCUMENT,
    )
    model = Transformer(shape)
    optimiser, rng = WarmAdam([model], config.reading_rate), np.random.default_rng([seed, 13])
    for _ in range(config.reading):
        try:
            optimiser.step(_loss(model, base.documents(config.documents, rng), asked=1))
        except Diverged as error:
            raise Diverged(f"in reading, {error}") from error
    return model


def fine_tuned(
    config: Eliciting, start: Transformer, base: FactBase, shown: Tokens, validated: Tokens, seed: int
) -> tuple[Transformer, float]:
    """The model, among learning rates and looks, with the least loss on the validated facts; and its rate.

    Args:
        shown: the facts that are demonstrated.

    Raises:
        Diverged: a loss that is no number, at every learning rate.
    """
    validation_NT, candidates = base.demonstrations(validated), []
    for rate in config.learning_rates:
        for model in _looks(config, start, base.demonstrations(shown), rate, seed):
            with torch.no_grad():
                candidates.append((float(_loss(model, validation_NT, PROMPT)), rate, model))
    if not candidates:
        raise Diverged(f"a loss was no number at each of {config.learning_rates}")
    _, rate, model = min(candidates, key=lambda candidate: candidate[0])
    return model, rate


def _looks(config: Eliciting, start: Transformer, shown_NT: Tokens, rate: float, seed: int) -> list[Transformer]:
    """The model at each look of one tuning on the answers, up to where its loss is no number."""
    model, looks, rng = copy.deepcopy(start), [], np.random.default_rng([seed, 14])
    optimiser, order_N = WarmAdam([model], rate), np.empty(0, dtype=np.int64)
    for step in range(1, config.steps + 1):
        while len(order_N) < min(config.batch, len(shown_NT)):
            order_N = np.concatenate([order_N, rng.permutation(len(shown_NT))])
        index_B, order_N = order_N[: config.batch], order_N[config.batch :]
        try:
            optimiser.step(_loss(model, shown_NT[index_B], PROMPT))
        except Diverged:
            break
        if step % (config.steps // config.looks) == 0:
            looks.append(copy.deepcopy(model))
    return looks


def _loss(model: Transformer, tokens_NT: Tokens, asked: int) -> Tensor:
    """Mean cross-entropy of the tokens after the first so many, in nats per token."""
    return -token_log_probs(model, torch.from_numpy(tokens_NT), asked).mean()


def readings(model: Transformer, base: FactBase, tested: Tokens, untold: Tokens) -> dict[str, float]:
    """Form, answers and knowledge of the tested facts, of those in many forms and in one; and answers about untold."""
    one_form = base.form_F[tested] >= 0
    numbers = {"formed": formed_share(model, base, tested), "untold": right_share(model, base, untold)}
    for name, fact_B in {"all": tested, "many": tested[~one_form], "one": tested[one_form]}.items():
        numbers[f"right_{name}"] = right_share(model, base, fact_B)
        numbers[f"knows_{name}"] = known_share(model, base, fact_B)
    with torch.no_grad():
        return numbers | {"nll": float(_loss(model, base.demonstrations(tested), PROMPT))}


def answers(model: Transformer, base: FactBase, fact_B: Tokens) -> Tokens:
    """(B, 2) the first two tokens of a greedy answer to the question about each fact."""
    written_BT = torch.from_numpy(base.prompts(fact_B))
    with torch.no_grad():
        for _ in range(2):
            written_BT = torch.cat([written_BT, model(written_BT)[:, -1:].argmax(-1)], dim=1)
    return written_BT[:, PROMPT:].numpy()


def formed_share(model: Transformer, base: FactBase, fact_B: Tokens) -> float:
    """Share of answers that are one value, whichever, and the end."""
    answer_BR = answers(model, base, fact_B)
    return float(np.mean((answer_BR[:, 0] >= base.facts.first_value) & (answer_BR[:, 1] == END)))


def right_share(model: Transformer, base: FactBase, fact_B: Tokens) -> float:
    """Share of answers that begin with the right value."""
    return float(np.mean(answers(model, base, fact_B)[:, 0] == base.value_F[fact_B]))


def known_share(model: Transformer, base: FactBase, fact_B: Tokens) -> float:
    """Share of statements of these facts, in the forms that text has them in, that the model ends with the value."""
    begun_NT = np.concatenate([base.beginnings(fact_B, form) for form in range(base.facts.forms)])
    with torch.no_grad():
        said_N = model(torch.from_numpy(begun_NT))[:, -1].argmax(-1).numpy()
    return float(np.mean(said_N == np.tile(base.value_F[fact_B], base.facts.forms)))
