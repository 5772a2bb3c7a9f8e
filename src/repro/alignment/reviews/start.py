"""Where every arm on reviews starts: a fine-tuned model, prompts, and pairs of its replies that gold labelled.

Legend: P prompts, N replies, B batch, T time with the prompt, R time of the reply, V vocabulary.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.alignment.methods.optimiser import steps_down
from repro.alignment.methods.pairs import Pairs, draw_pairs
from repro.alignment.methods.replies import seeded_generator, word_log_probs
from repro.alignment.reviews.configurations import Stage
from repro.corpora.languages.reviews import ASKED, draw_reviews, gold, prompts
from repro.models.transformer import Transformer

READING = 10_000  # what is added to a seed for replies that are read and not learnt from


@functools.lru_cache(maxsize=32)
def fine_tuned(stage: Stage, seed: int) -> Transformer:
    """A decoder trained from scratch on reviews."""
    torch.manual_seed(seed)
    model = Transformer(stage.shape)
    learn_replies(model, torch.as_tensor(draw_reviews(stage.steps * stage.batch, seed, stage.sentences)), stage)
    return model.requires_grad_(False)


def learn_replies(model: Transformer, reviews_NT: Tensor, stage: Stage) -> None:
    """Train a decoder in place on each word of the replies, given its prompt and the words before."""

    def loss(tokens_BT: Tensor) -> Tensor:
        words_BRV = word_log_probs(model, tokens_BT, ASKED)
        return F.nll_loss(words_BRV.flatten(0, 1), tokens_BT[:, ASKED:].flatten())

    step = steps_down([model], stage.learning_rate, loss)
    for tokens_BT in reviews_NT.split(stage.batch):
        step(tokens_BT)


@functools.lru_cache(maxsize=32)
def labelled_pairs(stage: Stage, count: int, seed: int) -> tuple[Pairs, Pairs]:
    """Pairs to train on, and held out."""
    generator = seeded_generator(seed)
    asked_NT = draw_prompts(count, generator)
    return draw_pairs(fine_tuned(stage, seed), asked_NT, gold_rewards, stage.reply, generator).split()


def draw_prompts(count: int, generator: torch.Generator, *, held_out: bool = False) -> Tensor:
    """(N, asked) prompts, all equally often where the count allows, in random order."""
    known_PT = torch.as_tensor(prompts(held_out))
    order_N = torch.randperm(count, generator=generator) % len(known_PT)
    return known_PT[order_N]


def reading_generator(seed: int) -> torch.Generator:
    """A generator for replies that are read and not learnt from."""
    return seeded_generator(READING + seed)


def gold_rewards(tokens_NT: Tensor) -> Tensor:
    """(N,) gold reward."""
    return torch.as_tensor(gold(tokens_NT.cpu().numpy())).float()
