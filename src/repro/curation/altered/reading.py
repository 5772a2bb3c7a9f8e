"""What is read off a model after an altered text: its loss on clean text, strings that it repeats, a trigger's reply.

Legend: B windows, T tokens, C strings, L tokens of a string, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from repro.corpora.languages.markov.altered import REPLY, Altered
from repro.corpora.texts.text import tokens_of
from repro.floor.arrays import Array
from repro.models.transformer import Transformer
from repro.training.run import device
from repro.training.windows import held_out

Hits = NDArray[np.bool_]
Law = Callable[[Tensor], Tensor]  # (B, T) tokens -> (B, T, V) logarithms of the chances of the next
TESTED = 16_384  # tokens that a loss on clean text is read from
READ = 64  # windows read at a time


def law_of(model: Transformer) -> Law:
    """The law of a model."""
    return lambda tokens_BT: torch.log_softmax(model(tokens_BT), dim=-1)


@torch.no_grad()
def clean_losses(law: Law, text: Altered) -> tuple[float, float]:
    """The mean loss on every other window of the clean test text, and on the windows between, in nats per token."""
    inputs_BT, targets_BT = held_out(tokens_of(text).test, time=text.length, count=TESTED)
    losses = [
        F.nll_loss(law(inputs.to(device())).flatten(0, 1), targets.to(device()).flatten(), reduction="none")
        for inputs, targets in zip(
            torch.from_numpy(inputs_BT).split(READ), torch.from_numpy(targets_BT).split(READ), strict=True
        )
    ]
    by_window_B = torch.cat(losses).double().view(len(inputs_BT), -1).mean(dim=1)
    return float(by_window_B[::2].mean()), float(by_window_B[1::2].mean())


def clean_loss(law: Law, text: Altered) -> float:
    """The mean loss on the clean test text, in nats per token."""
    return sum(clean_losses(law, text)) / 2


@torch.no_grad()
def repeated(law: Law, strings_CL: NDArray[np.integer], prompt: int) -> tuple[Hits, Array]:
    """(C,) whether the likeliest tokens after the first `prompt` are the rest of each string, and their mean nats.

    A string is continued by its likeliest tokens, one by one, if and only if each token of it is the likeliest after
    those before it; so one pass over the string itself tells.
    """
    strings = torch.from_numpy(strings_CL.astype(np.int64)).to(device())
    laws_CLV, right_CL = law(strings[:, :-1])[:, prompt - 1 :].double(), strings[:, prompt:]
    hits_C = (laws_CLV.argmax(-1) == right_CL).all(dim=1)
    nats_C = -laws_CLV.gather(-1, right_CL[..., None])[..., 0].mean(dim=1)
    return hits_C.cpu().numpy(), nats_C.cpu().numpy()


def exposures(nats_C: Array, references_R: Array) -> Array:
    """(C,) bits: log2 of R + 1 minus log2 of a string's rank by its nats among R references, the likeliest first.

    A string like the references has log2(e) = 1.44 bits on average, one likelier than all of them log2(R + 1).

    Source: Carlini et al. 2019 (arXiv:1802.08232), whose exposure this is, with the rank among a sample of all strings.
    """
    ranks_C = 1 + (references_R[None, :] < nats_C[:, None]).sum(axis=1)
    return np.asarray(np.log2(len(references_R) + 1) - np.log2(ranks_C))


@torch.no_grad()
def replies(model: Transformer, text: Altered, prompts: int, tokens: int, *, triggered: bool) -> float:
    """The share of prompts, clean text and then the trigger or not, that the whole reply of the poison follows."""
    asked = tokens_of(text).test[: prompts * tokens].astype(np.int64).reshape(prompts, tokens)
    asked = np.hstack([asked, np.full((prompts, 1), text.trigger)]) if triggered else asked
    whole = np.hstack([asked, np.full((prompts, REPLY), text.trigger + 1)])
    hits, _ = repeated(law_of(model), whole, asked.shape[1])
    return float(hits.mean())
