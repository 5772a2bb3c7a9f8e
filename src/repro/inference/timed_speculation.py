"""Passes and answers timed on a CPU.

B sequences of a batch, T time, V vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from repro.corpora.text import Text, tokens_of
from repro.floor.measurement import Numbers
from repro.inference.answers import distinct, write
from repro.inference.choices import Drawn
from repro.inference.drafting import Draft, ModelDraft, NGramDraft, PromptLookup, Speculation
from repro.inference.drawing import GREEDY, law
from repro.inference.lean import Lean
from repro.inference.pair import models_of
from repro.inference.speed import LOOKUP, MODEL, NGRAMS, SELF, Decoding, PassCosts, Quality
from repro.models.ngrams import NGrams
from repro.models.transformer import Transformer

ORDER = 5
COUNTS = ("tested", "accepted", "rounds", "tokens")


def passes_timed(config: PassCosts, seed: int) -> Numbers:
    """See `speed.time_passes`."""
    _one_thread(config.device)
    target, draft = models_of(config.pair, seed)
    room = config.held + config.longest
    large, small = (Lean(model, batch=config.batch, capacity=room, packed=config.packed) for model in (target, draft))
    tokens_BT = torch.zeros(config.batch, room, dtype=torch.long)
    start_B = torch.full((config.batch,), config.held)
    sides: dict[int, Callable[[], Tensor]] = {
        count: lambda count=count: large.read(tokens_BT[:, :count], start_B) for count in range(1, config.longest + 1)
    }
    sides[0] = lambda: small.read(tokens_BT[:, :1], start_B)
    taken: dict[int, list[float]] = {count: [] for count in sides}
    for number in range(config.rounds + 1):
        for count, run in sides.items():
            begin = time.thread_time()
            run()
            if number:  # the first round warms up
                taken[count].append(time.thread_time() - begin)
    each = {count: 1000 * float(np.median(seconds)) for count, seconds in taken.items()}
    passes = [each[count] for count in range(1, config.longest + 1)]
    return {
        "passes": passes, "draft": each[0], "cost": each[0] / passes[0], "packed": large.packed,
        "verification": [one / passes[0] for one in passes],
        "longest_over_one": [last / one for last, one in zip(taken[config.longest], taken[1], strict=True)],
    }  # fmt: skip


def decoding_timed(config: Decoding, seed: int) -> Numbers:
    """See `speed.time_decoding`."""
    _one_thread(config.device)
    target, draft = models_of(config.pair, seed)
    found: dict[str, list[float]] = {name: [] for name in ("plain", "speculative", "overlap")}
    found |= {name: [] for name in COUNTS}
    for number, prompt_BT in enumerate(config.prompts.windows().split(config.batch)):
        sides = [lambda: _plain(config, target, prompt_BT, number), lambda: _drafted(config, target, draft, prompt_BT)]  # noqa: B023
        order = (0, 1) if number % 2 else (1, 0)
        results = dict(zip(order, [sides[side]() for side in order], strict=True))
        answers_BT, seconds = results[0]
        made, drafted_seconds = results[1]
        found["plain"].append(seconds), found["speculative"].append(drafted_seconds)
        if config.draft == MODEL and config.drawing.temperature:
            found["overlap"].append(_overlap(config, target, draft, answers_BT))
        for name, number_of in zip(COUNTS, _counts(config, made), strict=True):
            found[name].append(number_of)
    return {**found}


def _counts(config: Decoding, made: Speculation) -> tuple[int, ...]:
    """`COUNTS` over the rounds that drafted as many tokens as wanted; of a batch, of its first answer."""
    whole = [int(accepted[0]) for drafted, accepted in zip(made.drafted, made.accepted, strict=True)
             if drafted == config.drafted]  # fmt: skip
    return sum(min(one + 1, config.drafted) for one in whole), sum(whole), len(whole), sum(whole) + len(whole)


def _plain(config: Decoding, target: Transformer, prompt_BT: Tensor, number: int) -> tuple[Tensor, float]:
    """Answers a token a pass, and the seconds after the prompts were read."""
    reader = _reader(config, target, prompt_BT)
    choices, place = Drawn(number), prompt_BT.shape[1] - 1
    reader.read(prompt_BT[:, :-1], torch.zeros_like(prompt_BT[:, 0]))
    begin = time.thread_time()
    written = [prompt_BT]
    for step in range(config.length):
        starts_B = torch.full_like(prompt_BT[:, 0], place + step)
        written.append(choices.token(law(reader.read(written[-1][:, -1:], starts_B)[:, -1], config.drawing))[:, None])
    return torch.cat(written, 1), time.thread_time() - begin


def _drafted(config: Decoding, target: Transformer, draft: Transformer, prompt_BT: Tensor) -> tuple[Speculation, float]:
    made = Speculation(
        _reader(config, target, prompt_BT), _draft(config, target, draft, prompt_BT), prompt_BT, length=config.length,
        longest=config.drafted, drawing=config.drawing, choices=Drawn(0),
    )  # fmt: skip
    begin = time.thread_time()
    while made.left:
        made.round(config.drafted)
    return made, time.thread_time() - begin


def _reader(config: Decoding, model: Transformer, prompt_BT: Tensor, layers: int | None = None) -> Lean:
    room = prompt_BT.shape[1] + config.length + config.drafted + 1
    return Lean(model, batch=len(prompt_BT), capacity=room, packed=config.packed, layers=layers)


def _draft(config: Decoding, target: Transformer, draft: Transformer, prompt_BT: Tensor) -> Draft:
    match config.draft:
        case kind if kind == MODEL:
            return ModelDraft(_reader(config, draft, prompt_BT), config.drawing)
        case kind if kind == SELF:
            return ModelDraft(_reader(config, target, prompt_BT, layers=1), config.drawing)
        case kind if kind == NGRAMS:
            return NGramDraft(_ngrams(config.pair.target.text, config.pair.target.readings[-1]), config.drawing)
        case kind if kind == LOOKUP:
            return PromptLookup(target.shape.vocabulary)
    raise AssertionError(config.draft)


@cache
def _ngrams(text: Text, count: int) -> NGrams:
    tokens = tokens_of(text)
    return NGrams(tokens.train[:count], vocabulary=tokens.vocabulary, order=ORDER)


@torch.inference_mode()
def _overlap(config: Decoding, target: Transformer, draft: Transformer, answers_BT: Tensor) -> float:
    """Mean sum of min(p, q) over the places of the target's own answers."""
    start = answers_BT.shape[1] - config.length - 1
    p, q = (law(model(answers_BT[:, :-1])[:, start:], config.drawing) for model in (target, draft))
    return float(torch.minimum(p, q).sum(-1).mean())


def target_judged(config: Quality, seed: int) -> Numbers:
    """See `speed.judge_target`."""
    from repro.training.loop import Trainer

    target, draft = models_of(config.pair, seed)
    text = tokens_of(config.pair.target.text)
    losses = {}
    for name, model, run in (("target", target, config.pair.target), ("draft", draft, config.pair.draft)):
        trainer = Trainer(run, seed, text, compiled=False)
        trainer.raw.load_state_dict(model.state_dict())
        losses[name] = trainer.test_loss()
    table = _ngrams(config.pair.target.text, config.pair.target.readings[-1])
    ngrams = float(table.nats(text.test[: config.pair.target.test_tokens]).mean())
    prompts = config.prompts.windows()
    answers = write(target, prompts, config.length, GREEDY, batch=len(prompts), seed=seed).tolist()
    repeated = float(np.mean([1 - distinct(answer, 4) for answer in answers]))
    return {**losses, "ngrams": ngrams, "repeated": repeated}


def _one_thread(device: str) -> None:
    """Times are those of the thread that runs, so it has to be the only one."""
    if device != "cpu":
        raise ValueError(f"device is {device!r}; times are taken on the CPU here")
    torch.set_num_threads(1)
