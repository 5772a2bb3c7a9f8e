"""What a trained model replies: to problems, to questions for facts, and to words that it is to translate.

Legend: B lines, T tokens of a line, V vocabulary, N questions, A tokens of an answer, K facts.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from repro.abilities.scores import numeric_error
from repro.corpora.languages.problems import ADDITIONS, RULES, Problems
from repro.floor.arrays import Array, Tokens
from repro.models.transformer import Transformer

Hits = NDArray[np.bool_]

READ = 16_384  # lines read at a time; attention on a GPU refuses 65,536 or more (pytorch/pytorch issue 142228)


@torch.no_grad()
def read_lines(model: Transformer, lines_BT: Tokens, asked: int) -> tuple[Tokens, Array]:
    """(B, T) what the model writes on its own after `asked` tokens, and (B, T - 1, V) its logits on the right lines."""
    written, logits = [], []
    for right_BT in torch.from_numpy(lines_BT).to(device_of(model)).split(READ):
        written_BT = right_BT[:, :asked]
        for _ in range(right_BT.shape[1] - asked):
            written_BT = torch.cat([written_BT, model(written_BT)[:, -1:].argmax(-1)], dim=1)
        written.append(written_BT)
        logits.append(model(right_BT[:, :-1]).double())
    return torch.cat(written).cpu().numpy(), torch.cat(logits).cpu().numpy()


@torch.no_grad()
def sampled_replies(model: Transformer, questions_NT: Tokens, length: int, *, temperature: float, seed: int) -> Tokens:
    """(N,) the last of `length` tokens written after each question, all drawn from the model's own distribution."""
    device = device_of(model)
    generator = torch.Generator(device).manual_seed(seed)
    last = []
    for written_NT in torch.from_numpy(questions_NT).to(device).split(READ):
        for _ in range(length):
            chances_NV = (model(written_NT)[:, -1].double() / temperature).softmax(-1)
            written_NT = torch.cat([written_NT, torch.multinomial(chances_NV, 1, generator=generator)], dim=1)
        last.append(written_NT[:, -1])
    return np.asarray(torch.cat(last).cpu().numpy())


def device_of(model: Transformer) -> torch.device:
    """Where the weights lie."""
    return next(model.parameters()).device


def answer_places(problems: Problems) -> slice:
    """Places of the answer among the tokens of a line after its first; of a rule, those of each y."""
    return slice(1, None, 2) if problems.family in RULES else slice(problems.asked - 1, None)


def addition_error(given_BA: Tokens, right_BA: Tokens, problems: Problems) -> float | None:
    """The `numeric_error` of sums; None where the family's answer is no number."""
    if problems.family not in ADDITIONS:
        return None
    order = -1 if problems.family.startswith("reversed") else 1
    return numeric_error(given_BA[:, ::order], right_BA[:, ::order], problems.base)


@torch.no_grad()
def read_facts(model: Transformer, facts_KT: NDArray[np.uint16]) -> tuple[Hits, Array]:
    """(K,) whether the model gives the answer of each fact, and the answer's loss in nats."""
    hits, losses = [], []
    for facts_BT in torch.from_numpy(facts_KT.astype(np.int64)).to(device_of(model)).split(READ):
        logits_BV, right_B = model(facts_BT[:, :-1])[:, -1].double(), facts_BT[:, -1]
        hits.append(logits_BV.argmax(-1) == right_B)
        losses.append(torch.nn.functional.cross_entropy(logits_BV, right_B, reduction="none"))
    return torch.cat(hits).cpu().numpy(), torch.cat(losses).cpu().numpy()


def exams_passed(hits_B: Hits, size: int) -> int:
    """How many exams of `size` questions, cut from the answers in their order, hold no wrong answer."""
    exams = len(hits_B) // size
    return int(hits_B[: exams * size].reshape(exams, size).all(axis=1).sum())


@torch.no_grad()
def likeliest_tokens(model: Transformer, lines_BT: Tokens) -> Tokens:
    """(B, T) the likeliest token after each token."""
    return np.asarray(model(torch.from_numpy(lines_BT).to(device_of(model))).argmax(-1).cpu().numpy())


def share_repeated(model: Transformer, lines_BT: Tokens, shown: int) -> float:
    """The share of right translations where the word after `shown` pairs repeats one of theirs, each equally often."""
    rows = np.arange(len(lines_BT))
    place = 1 + 2 * (rows % shown)
    asked_BT = np.hstack([lines_BT[:, : 1 + 2 * shown], lines_BT[rows, place][:, None]])
    return float((likeliest_tokens(model, asked_BT)[:, -1] == lines_BT[rows, place + 1]).mean())
