"""A model of a mix of domains, read at home and elsewhere: loss, loss with a hedge, and error of calibration.

Legend: B windows, T time, N tokens, V vocabulary.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from repro.corpora.languages.markov.dialects import Dialects
from repro.corpora.texts.text import Text, tokens_of
from repro.curation.domains.configurations import ELSEWHERE, Mixing
from repro.floor.arrays import Array
from repro.models.transformer import Transformer
from repro.training.run import trained
from repro.training.windows import held_out

HEDGES = np.linspace(0, 1, 101)  # weights of the law that knows nothing
CLASSES = 15  # of confidence; Guo et al. 2017 (arXiv:1706.04599), section 4
READ = 64  # windows of one pass


def mixed_numbers(config: Mixing, seed: int) -> dict[str, float]:
    """The numbers of `read_elsewhere`."""
    run = config.run_of(seed)
    model, context = trained(run, seed), run.model.context
    numbers: dict[str, float] = {}
    for name, tokens in places_of(run.text, run.test_tokens).items():
        chances_N, confidence_N, right_N = readings(model, tokens, context)
        numbers |= {
            f"{name}_loss": float(-np.log(chances_N).mean()),
            f"{name}_hedged": hedged_loss(chances_N, run.model.vocabulary),
            f"{name}_calibration": calibration_error(confidence_N, right_N),
        }
    return numbers


def places_of(text: Text, count: int) -> dict[str, NDArray[np.integer]]:
    """The tokens of each domain that a trial's model is read on, `count` of each at least."""
    if isinstance(text, Dialects):
        near, strange = (text.dialect(ELSEWHERE, shared=shared).draw("test") for shared in (True, False))
        return {"home": text.draw("test"), "near": near, "strange": strange}
    test = tokens_of(text).test
    return {"home": test[: len(test) // 2], "near": test[len(test) // 2 :]}


@torch.no_grad()
def readings(model: Transformer, tokens: NDArray[np.integer], context: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """(N,) the model's chance of each token, its greatest chance there, and whether that one came."""
    inputs_BT, targets_BT = held_out(tokens, time=context, count=len(tokens) // context * context - context)
    parts: list[list[NDArray[np.floating]]] = [[], [], []]
    device = next(model.parameters()).device
    for start in range(0, len(inputs_BT), READ):
        part = slice(start, start + READ)
        law_BTV = model(torch.from_numpy(inputs_BT[part]).to(device)).double().softmax(-1).cpu()
        targets = torch.from_numpy(targets_BT[part])
        greatest_BT, token_BT = law_BTV.max(-1)
        own = (law_BTV.gather(-1, targets[..., None])[..., 0], greatest_BT, token_BT == targets)
        for held, each in zip(parts, own, strict=True):
            held.append(each.numpy().ravel())
    chances, greatest, right = (np.concatenate(part) for part in parts)
    return chances, greatest, right


def hedged_loss(chances_N: Array, vocabulary: int) -> float:
    """The loss of the model mixed with the even law: the weight is chosen on half of the tokens, judged on the other.

    A model that is sure of what does not hold here loses much, and a hedge takes that away: what is left is what it
    knows. No knowledge gives ln V.
    """
    chosen, judged = chances_N[::2], chances_N[1::2]
    losses = [-np.log((1 - hedge) * chosen + hedge / vocabulary).mean() for hedge in HEDGES[1:]]
    hedge = HEDGES[1:][int(np.argmin(losses))]
    return float(-np.log((1 - hedge) * judged + hedge / vocabulary).mean())


def calibration_error(confidence_N: Array, right_N: NDArray[np.bool_]) -> float:
    """The mean distance between how sure the likeliest token was and how often it came, over classes of confidence.

    Source: Guo et al. 2017 (arXiv:1706.04599), eq. 3.
    """
    place_N = np.minimum((confidence_N * CLASSES).astype(int), CLASSES - 1)
    apart = np.bincount(place_N, right_N - confidence_N, minlength=CLASSES)
    return math.fsum(np.abs(apart)) / len(confidence_N)
