"""Whether supervised fine-tuning should learn the prompt too: the loss on all tokens against that on the response.

A response is two sentences of the review language, whose feeling, good or bad, the prompt tells. Legend: N examples,
T time with the start token and the prompt, B batch, V vocabulary.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repro.corpora.languages.reviews import KINDS, LOG_ODDS, SENTENCE, WORDS
from repro.floor.arrays import Tokens
from repro.floor.measurement import Diverged, Numbers, measurement

if TYPE_CHECKING:
    from torch import Tensor

    from repro.models.transformer import Transformer
LOSSES, PROMPTS = ("response", "all"), ("text", "noise")
RESPONSE = 2 * SENTENCE  # words of a response
LONGEST = 1 + 14 * SENTENCE  # tokens that a decoder can read
LOUDEST = ("hated", "loved")  # the first word of a prompt of noise: all that tells the feeling there


@dataclass(frozen=True, kw_only=True)
class Masking:
    """Fine-tuning with the loss on "response" or "all" tokens.

    prompt: "text", sentences of the response's feeling, or "noise", one word that tells it and then random ones.
    sentences: four words each, in a prompt. pretraining: batches of sentences of mixed feelings that the decoder reads
    before; with 0 it starts from scratch. learning_rates: among them and the looks the response's loss on a validation
    set chooses. judged: examples of that set, and of the one that judges.
    """

    loss: str
    prompt: str
    sentences: int
    learning_rates: tuple[float, ...] = (1e-3, 3e-3)
    examples: int = 800
    steps: int = 100
    batch: int = 32
    looks: int = 4
    pretraining: int = 300
    width: int = 32
    judged: int = 400


@measurement(version=1)
def masked_tuning(config: Masking, seed: int) -> Numbers:
    """`nll`: cross-entropy of responses to unseen prompts, nats a token, of the model that the validation set chooses.

    `untrained` is that of the start; `learning_rate` and `step` those chosen; `validation` its loss there.

    Raises:
        Diverged: a loss that is no number, at every learning rate.
    """
    for name, known in (("loss", LOSSES), ("prompt", PROMPTS)):
        if getattr(config, name) not in known:
            raise ValueError(f"got {name}={getattr(config, name)!r}; expected one of {known}")
    if 1 + config.sentences * SENTENCE + RESPONSE > LONGEST:
        raise ValueError(f"got sentences={config.sentences}; expected at most {(LONGEST - 1 - RESPONSE) // SENTENCE}")
    drawn = functools.partial(draw_examples, config.prompt, config.sentences)
    sets = drawn(config.examples, seed, 0), drawn(config.judged, seed, 1), drawn(config.judged, seed, 2)
    found = [one for rate in config.learning_rates for one in _tuned(config, rate, seed, *sets)]
    if not found:
        raise Diverged(f"a loss was no number at each of {config.learning_rates}")
    validation, nll, rate, step = min(found)
    untrained = response_nll(_start(config, seed), sets[2])
    return {"nll": nll, "untrained": untrained, "validation": validation, "learning_rate": rate, "step": step}


def draw_examples(prompt: str, sentences: int, count: int, seed: int, part: int) -> Tokens:
    """(N, T) start token, prompt and response; parts 0, 1, 2 are for training, validation and test."""
    rng = np.random.default_rng([seed, part, 8])
    feeling_N = rng.choice([-1, 1], count)
    asked = draw_sentences(np.repeat(feeling_N[:, None], sentences, axis=1), rng)
    if prompt == "noise":
        asked = rng.integers(1, len(WORDS), asked.shape)
        asked[:, 0] = np.array([WORDS.index(word) for word in LOUDEST])[(feeling_N > 0).astype(int)]
    answered = draw_sentences(np.repeat(feeling_N[:, None], RESPONSE // SENTENCE, axis=1), rng)
    return np.concatenate([np.zeros((count, 1), dtype=np.int64), asked, answered], axis=1)


def draw_sentences(feeling_NS: Tokens, rng: np.random.Generator) -> Tokens:
    """(N, 4 S) words of sentences, each in the feeling, -1 or 1, that it is given."""
    words = np.zeros((*feeling_NS.shape, SENTENCE), dtype=np.int64)
    kind_NS = rng.integers(len(KINDS), size=feeling_NS.shape)
    for kind, places in enumerate(KINDS):
        here = kind_NS == kind
        for place, allowed in enumerate(places):
            numbers = np.array([WORDS.index(word) for word in allowed])
            # the greatest of log chance plus Gumbel noise is a draw by these chances
            heard = feeling_NS[here][:, None] * LOG_ODDS[numbers] / 2 + rng.gumbel(size=(here.sum(), len(numbers)))
            words[here, place] = numbers[heard.argmax(axis=1)]
    return words.reshape(len(feeling_NS), -1)


def response_nll(model: Transformer, examples: Tokens) -> float:
    """Cross-entropy of the responses in nats a token."""
    import torch

    with torch.no_grad():
        return float(_loss(model, torch.from_numpy(examples), RESPONSE))


def _loss(model: Transformer, tokens_BT: Tensor, last: int) -> Tensor:
    """Mean cross-entropy of the last so many tokens of each example."""
    import torch.nn.functional as F

    logits_BTV = model(tokens_BT[:, :-1])[:, -last:]
    return F.cross_entropy(logits_BTV.flatten(0, 1), tokens_BT[:, -last:].flatten())


def _tuned(
    config: Masking, rate: float, seed: int, seen: Tokens, validation: Tokens, test: Tokens
) -> list[tuple[float, float, float, int]]:
    """(validation loss, test loss, rate, step) at each look of one training, up to where its loss is no number."""
    import copy

    import torch

    from repro.alignment.methods.replies import Descent

    model = copy.deepcopy(_start(config, seed)).requires_grad_(True)
    descent, generator, looks = Descent([model], rate), torch.Generator().manual_seed(seed), []
    examples_NT, order = torch.from_numpy(seen), torch.empty(0, dtype=torch.long)
    last = RESPONSE if config.loss == "response" else examples_NT.shape[1] - 1
    for step in range(1, config.steps + 1):
        if len(order) < config.batch:
            order = torch.cat([order, torch.randperm(len(seen), generator=generator)])
        index_B, order = order[: config.batch], order[config.batch :]
        try:
            descent.step(_loss(model, examples_NT[index_B], last))
        except FloatingPointError:
            break
        if step % (config.steps // config.looks) == 0:
            looks.append((response_nll(model, validation), response_nll(model, test), rate, step))
    return looks


def _start(config: Masking, seed: int) -> Transformer:
    return _decoder(config.width, config.pretraining, config.batch, seed)


@functools.lru_cache(maxsize=8)
def _decoder(width: int, steps: int, batch: int, seed: int) -> Transformer:
    """A decoder that has read so many batches of sentences, no two of one feeling but by chance."""
    import torch

    from repro.alignment.methods.replies import Descent
    from repro.models.decoder import Decoder
    from repro.models.transformer import Transformer

    torch.manual_seed(seed)
    model = Transformer(
        Decoder(vocabulary=len(WORDS), width=width, layers=2, heads=max(1, width // 16), context=LONGEST)
    )
    descent, rng = Descent([model], 3e-3), np.random.default_rng([seed, 9])
    for _ in range(steps):
        words = draw_sentences(rng.choice([-1, 1], (batch, LONGEST // SENTENCE)), rng)
        tokens_BT = torch.from_numpy(np.pad(words, ((0, 0), (1, 0))))
        descent.step(_loss(model, tokens_BT, LONGEST - 1))
    return model.requires_grad_(False)
