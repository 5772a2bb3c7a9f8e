"""What a pass costs, and whether a target is worth a draft.

B sequences of a batch, M tokens of a pass, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor

from repro.corpora.texts.text import Text, tokens_of
from repro.floor.measurement import Numbers
from repro.inference.decoding.choices import Drawn, DrawnAhead
from repro.inference.decoding.drawing import GREEDY, Drawing, law
from repro.inference.decoding.lean import PACKED, Lean
from repro.inference.decoding.writing import distinct, write
from repro.inference.speculation import given, pair
from repro.inference.speculation.configurations import PassCosts, Quality, layout_of
from repro.inference.speculation.given import GivenPair
from repro.inference.speculation.pair import Pair
from repro.inference.speculation.steady import replayed
from repro.inference.speculation.verification import by_rejection
from repro.instruments.turns import milliseconds, on_one_thread, take_turns
from repro.models.ngrams import NGrams
from repro.models.transformer import Transformer

ORDER = 5
EIGHT = 8


def pair_held(
    models: Pair | GivenPair, seed: int, device: str, dtype: str = "float32"
) -> tuple[Transformer, Transformer]:
    """Target and draft on a device, in evaluation."""
    held = given.models_of(models) if isinstance(models, GivenPair) else pair.models_of(models, seed)
    target, draft = (model.to(device, getattr(torch, dtype)).eval() for model in held)
    return target, draft


def passes_timed(config: PassCosts, seed: int) -> Numbers:
    """See `speed.time_passes`."""
    with on_one_thread(config.device):
        models = pair_held(config.pair, seed, config.device, config.dtype)
        room = config.held + config.longest
        large, small = (
            Lean(model, batch=config.batch, capacity=room, layout=layout_of(config), static=config.static)
            for model in models
        )
        sides = _sides(config, large, small)
        for run in sides:
            run()  # the first run warms up
        seconds = take_turns(sides, rounds=config.rounds, seed=seed, device=config.device)
    count = config.longest
    passes, settled, [step] = (milliseconds(part) for part in (seconds[:count], seconds[count:-1], seconds[-1:]))
    return {
        "passes": passes,
        "verification": [one / passes[0] for one in passes],
        "packed": large.layout == PACKED,
        "eight_over_one": [many / one for many, one in zip(seconds[EIGHT - 1], seconds[0], strict=True)],
        "settled": settled,
        "verified": [one / settled[0] for one in settled],
        "draft": step,
        "cost": step / settled[0],
    }


def _sides(config: PassCosts, large: Lean, small: Lean) -> list[Callable[[], object]]:
    """Passes, the same with their tokens chosen, and a draft's step."""
    drawing, counts = Drawing(), range(1, config.longest + 1)
    ahead = DrawnAhead(0, config.device, most=config.batch * 2 * config.longest)
    choices = ahead if config.static else Drawn(0, config.device)
    tokens_BM = torch.zeros(config.batch, config.longest, dtype=torch.long, device=config.device)
    start_B = torch.full((config.batch,), config.held, device=config.device)
    q = law(small.read(tokens_BM, start_B), drawing)

    def read(count: int) -> Tensor:
        return large.read(tokens_BM[:, :count], start_B)

    def settle(count: int) -> object:
        p, drafted = law(read(count), drawing), count - 1
        if not drafted:
            return choices.token(p[:, -1])
        return by_rejection(choices, p, q[:, :drafted], tokens_BM[:, :drafted])

    def draft() -> object:
        return choices.token(law(small.read(tokens_BM[:, :1], start_B)[:, -1], drawing))

    def side(numbers: int, work: Callable[..., object], *counted: int) -> Callable[[], object]:
        whole = partial(work, *counted)
        return replayed(whole, ahead, config.batch * numbers, config.device) if config.static else whole

    return [
        *(side(0, read, count) for count in counts),
        *(side(count, settle, count) for count in counts),
        side(1, draft),
    ]


def target_judged(config: Quality, seed: int) -> Numbers:
    """See `speed.judge_target`."""
    target, draft = pair_held(config.pair, seed, config.device)
    run = config.pair.target
    text = tokens_of(run.text)
    losses = {
        name: _loss(model, text.test[: run.test_tokens]) for name, model in (("target", target), ("draft", draft))
    }
    ngrams = float(counted(run.text, run.readings[-1]).nats(text.test[: run.test_tokens]).mean())
    prompts = config.prompts.windows().to(config.device)
    answers = write(target, prompts, config.length, GREEDY, batch=len(prompts), seed=seed).tolist()
    repeated = float(np.mean([1 - distinct(answer, 4) for answer in answers]))
    return {**losses, "ngrams": ngrams, "repeated": repeated}


@torch.inference_mode()
def _loss(model: Transformer, tokens: np.ndarray) -> float:
    """Mean nats a token, in windows of the context as training reads its test loss."""
    context = model.shape.context
    windows = torch.from_numpy(tokens[: len(tokens) // context * context].astype(np.int64)).view(-1, context)
    windows = windows.to(model.embedding.weight.device)
    found = [
        torch.nn.functional.cross_entropy(model(part[:, :-1]).flatten(0, 1), part[:, 1:].flatten(), reduction="sum")
        for part in windows.split(16)
    ]
    return float(torch.stack(found).sum()) / (windows.numel() - len(windows))


@cache
def counted(text: Text, count: int) -> NGrams:
    """5-grams of the first `count` training tokens."""
    tokens = tokens_of(text)
    return NGrams(tokens.train[:count], vocabulary=tokens.vocabulary, order=ORDER)
