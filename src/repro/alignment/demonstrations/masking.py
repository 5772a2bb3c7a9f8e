"""Fine-tuning with the loss on all tokens or on the response alone.

Legend: N examples, B batch, T time with the start token and the prompt, V vocabulary.
"""

from __future__ import annotations

import copy
import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.alignment.demonstrations.configurations import Masking
from repro.alignment.demonstrations.examples import LONGEST, RESPONSE, draw_sentences
from repro.alignment.methods.optimiser import WarmAdam, batches
from repro.corpora.languages.reviews import SENTENCE, WORDS
from repro.floor.arrays import Tokens
from repro.floor.measurement import Diverged
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer


@functools.lru_cache(maxsize=8)
def pretrained(width: int, steps: int, batch: int, seed: int) -> Transformer:
    """A decoder that has read so many batches of sentences, each of a feeling of its own."""
    torch.manual_seed(seed)
    model = Transformer(
        Decoder(vocabulary=len(WORDS), width=width, layers=2, heads=max(1, width // 16), context=LONGEST)
    )
    optimiser, rng = WarmAdam([model], 3e-3), np.random.default_rng([seed, 9])
    for _ in range(steps):
        words = draw_sentences(rng.choice([-1, 1], (batch, LONGEST // SENTENCE)), rng)
        tokens_BT = torch.from_numpy(np.pad(words, ((0, 0), (1, 0))))
        optimiser.step(_loss(model, tokens_BT, LONGEST - 1))
    return model.requires_grad_(False)


def best_look(
    config: Masking, start: Transformer, training: Tokens, validation: Tokens, test: Tokens, seed: int
) -> dict[str, float]:
    """The look of least validation loss at all learning rates: its `nll` on the test set, and where it was.

    Raises:
        Diverged: a loss that is no number, at every learning rate.
    """
    looks = [
        look for rate in config.learning_rates for look in _looks(config, start, rate, seed, training, validation, test)
    ]
    if not looks:
        raise Diverged(f"a loss was no number at each of {config.learning_rates}")
    return min(looks, key=lambda look: (look["validation"], look["nll"], look["learning_rate"], look["step"]))


def _looks(
    config: Masking,
    start: Transformer,
    rate: float,
    seed: int,
    training: Tokens,
    validation: Tokens,
    test: Tokens,
) -> list[dict[str, float]]:
    """The losses at each look of one training, up to where its loss is no number."""
    model, examples_NT = copy.deepcopy(start).requires_grad_(True), torch.from_numpy(training)
    last = RESPONSE if config.loss == "response" else examples_NT.shape[1] - 1
    optimiser, generator, looks = WarmAdam([model], rate), torch.Generator().manual_seed(seed), []
    for step, index_B in enumerate(batches(len(training), config.batch, config.steps, generator), start=1):
        try:
            optimiser.step(_loss(model, examples_NT[index_B], last))
        except Diverged:
            break
        if step % (config.steps // config.looks) == 0:
            losses = {"validation": response_nll(model, validation), "nll": response_nll(model, test)}
            looks.append({**losses, "learning_rate": rate, "step": step})
    return looks


def response_nll(model: Transformer, examples: Tokens) -> float:
    """Cross-entropy of the responses in nats per token."""
    with torch.no_grad():
        return float(_loss(model, torch.from_numpy(examples), RESPONSE))


def _loss(model: Transformer, tokens_BT: Tensor, last: int) -> Tensor:
    """Mean cross-entropy of the last so many tokens of each example."""
    logits_BTV = model(tokens_BT[:, :-1])[:, -last:]
    return F.cross_entropy(logits_BTV.flatten(0, 1), tokens_BT[:, -last:].flatten())
