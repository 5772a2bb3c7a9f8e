"""What a pair writes, set beside the target's own law and its own likeliest tokens.

B answers, T time, F likeliest first tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from repro.floor.measurement import Numbers
from repro.inference.decoding.choices import Drawn
from repro.inference.decoding.drawing import GREEDY, law
from repro.inference.decoding.lean import Lean
from repro.inference.decoding.writing import write_plainly
from repro.inference.speculation.configurations import ASSISTED, PLAIN, GreedyAnswers, OnePass, WrittenPairs
from repro.inference.speculation.drafting import ModelDraft, Speculation, speculate
from repro.inference.speculation.passes import pair_held
from repro.inference.speculation.verification import RULES
from repro.models.llama import to_llama
from repro.models.transformer import Transformer
from repro.statistics import g_test

FIRST = 32  # first tokens after which second ones are told apart
SEEDS = 100_000  # between two seeds of draws


def compare_passes(config: OnePass, seed: int) -> Numbers:
    """See `speculative_exactness.one_pass`."""
    torch.manual_seed(seed)
    model = Transformer(config.model).double().eval()
    time = config.held + config.tokens
    tokens_BT = torch.randint(config.model.vocabulary, (1, time))
    together, apart = Lean(model, capacity=time), Lean(model, capacity=time)
    for reader in (together, apart):
        reader.read(tokens_BT[:, : config.held], torch.tensor([0]))
    whole = together.read(tokens_BT[:, config.held :], torch.tensor([config.held]))
    each = [apart.read(tokens_BT[:, [place]], torch.tensor([place])) for place in range(config.held, time)]
    return {"difference": float((whole - torch.cat(each, 1)).abs().max()), "tokens": config.tokens}


def pairs_tested(config: WrittenPairs, seed: int) -> Numbers:
    """See `speculative_exactness.write_pairs`."""
    target, draft = pair_held(config.pair, seed, config.device)
    writer = _writer(config, target, draft)
    tests, accepted = [], []
    for number, prompt_T in enumerate(config.prompts.windows().to(config.device)):
        first_F, cells = pair_law(target, prompt_T, config)
        counts = torch.zeros(cells.numel(), device=config.device)
        for begin in range(0, config.samples, config.batch):
            size = min(config.batch, config.samples - begin)
            drawn = (seed * 1000 + number) * SEEDS + begin
            pairs_B2, kept = writer(prompt_T.expand(size, -1), drawn)
            accepted += kept
            counts += torch.bincount(cell_of(pairs_B2, first_F, cells.shape[1]), minlength=cells.numel())
        tests.append(g_test(counts.cpu().numpy(), cells.flatten().cpu().numpy()))
    whole = sum(tests[1:], tests[0])
    return {
        "statistic": whole.statistic,
        "freedom": whole.freedom,
        "n": whole.n,
        "statistics": [test.statistic for test in tests],
        "freedoms": [test.freedom for test in tests],
        "p_values": [test.p_value for test in tests],
        "accepted": float(np.mean(accepted)) if accepted else None,
    }


Writer = Callable[[Tensor, int], tuple[Tensor, list[float]]]


def _writer(config: WrittenPairs, target: Transformer, draft: Transformer) -> Writer:
    """(prompts, seed) -> two tokens each, and how many of those drafted in the first round were accepted."""
    if config.by == ASSISTED:
        return _assisted_writer(config, target, draft)
    time, longest = config.prompts.length, config.drafted + 2

    def write(prompt_BT: Tensor, drawn: int) -> tuple[Tensor, list[float]]:
        batch, room = len(prompt_BT), time + 2 * longest
        reader = Lean(target, batch=batch, capacity=room)
        if config.by == PLAIN:
            made_BT = write_plainly(
                reader, prompt_BT, length=2, drawing=config.drawing, choices=Drawn(drawn, config.device)
            )
            return made_BT[:, time:], []
        rule, guesser = RULES[config.by], ModelDraft(Lean(draft, batch=batch, capacity=room), config.drawing)
        made = Speculation(
            reader,
            guesser,
            prompt_BT,
            length=longest,
            longest=config.drafted,
            drawing=config.drawing,
            choices=rule.drawn(drawn, config.device),
            rule=rule,
        )
        while int(made.lengths_B.min()) < time + 2:
            made.round(config.drafted)
        return made.answers_BL[:, time : time + 2], made.accepted[0].tolist()

    return write


def _assisted_writer(config: WrittenPairs, target: Transformer, draft: Transformer) -> Writer:
    large, small = as_llamas(target, draft)
    always_draft(small, config.drafted)
    kept = {"do_sample": True, "temperature": config.drawing.temperature or 1.0, "top_k": config.drawing.top_k}
    kept |= {"top_p": config.drawing.top_p}

    def write(prompt_BT: Tensor, drawn: int) -> tuple[Tensor, list[float]]:
        torch.manual_seed(drawn)
        made = [
            large.generate(prompt_B1T[None], assistant_model=small, max_new_tokens=config.drafted + 1, **kept)
            for prompt_B1T in prompt_BT
        ]
        return torch.cat([one[:, config.prompts.length :][:, :2] for one in made]), []

    return write


def as_llamas(*models: Transformer) -> list[Any]:
    """Llamas with the same weights; untyped, since generate's types forbid keyword arguments from a dictionary."""
    return [to_llama(model) for model in models]


def always_draft(small: Any, count: int) -> None:
    """As many drafted tokens each time, whatever the draft's confidence."""
    settings = small.generation_config
    settings.num_assistant_tokens = count
    settings.num_assistant_tokens_schedule = "constant"
    settings.assistant_confidence_threshold = 0.0


@torch.inference_mode()
def pair_law(target: Transformer, prompt_T: Tensor, config: WrittenPairs) -> tuple[Tensor, Tensor]:
    """The likeliest first tokens (F,), and the law (F + 1, V): of pairs, in the last row of every other first token."""
    first_V = law(target(prompt_T[None])[0, -1].double(), config.drawing)
    probability_F, first_F = first_V.topk(min(FIRST, len(first_V)))
    followed = torch.cat([prompt_T.expand(len(first_F), -1), first_F[:, None]], 1)
    second_FV = law(target(followed)[:, -1].double(), config.drawing)
    other_V = first_V.index_fill(0, first_F, 0.0)
    return first_F, torch.cat([probability_F[:, None] * second_FV, other_V[None]])


def cell_of(pairs_B2: Tensor, first_F: Tensor, vocabulary: int) -> Tensor:
    """The cell (B,) of each pair in the flat law of `pair_law`."""
    same_BF = pairs_B2[:, :1] == first_F
    row_B = torch.where(same_BF.any(1), same_BF.long().argmax(1), len(first_F))
    return row_B * vocabulary + torch.where(row_B < len(first_F), pairs_B2[:, 1], pairs_B2[:, 0])


def check_greedy(config: GreedyAnswers, seed: int) -> Numbers:
    """See `speculative_exactness.write_greedily`."""
    target, draft = pair_held(config.pair, seed, config.device)
    identical, margins = 0, []
    for alone_T, drafted_T in _greedy_answers(config, target, draft):
        identical += int(torch.equal(alone_T, drafted_T))
        margins.append(below_largest(target, drafted_T[None], config.prompts.length)[0])
    below = torch.stack(margins)
    return {
        "answers": len(margins),
        "identical": identical,
        "tokens": below.numel(),
        "likeliest": int((below <= config.tolerance).sum()),
        "largest_margin": float(below.max()),
    }


def _greedy_answers(config: GreedyAnswers, target: Transformer, draft: Transformer) -> Iterator[tuple[Tensor, Tensor]]:
    """(answer without a draft, with it) of each prompt, prompts included."""
    assisted = config.by == ASSISTED
    if assisted:
        large, small = as_llamas(target, draft)
        always_draft(small, config.drafted)
    room = config.prompts.length + config.length + config.drafted + 1
    for prompt_T in config.prompts.windows().to(config.device):
        prompt_BT = prompt_T[None]
        if assisted:
            asked = {"max_new_tokens": config.length, "min_new_tokens": config.length, "do_sample": False}
            yield large.generate(prompt_BT, **asked)[0], large.generate(prompt_BT, assistant_model=small, **asked)[0]
            continue
        readers = [Lean(model, capacity=room) for model in (target, target, draft)]
        alone = write_plainly(
            readers[0], prompt_BT, length=config.length, drawing=GREEDY, choices=Drawn(0, config.device)
        )
        made = speculate(
            readers[1],
            ModelDraft(readers[2], GREEDY),
            prompt_BT,
            length=config.length,
            drafted=config.drafted,
            drawing=GREEDY,
            choices=Drawn(0, config.device),
            rule=RULES[config.by],
        )
        yield alone[0], made.answers_BL[0]


@torch.inference_mode()
def below_largest(target: Transformer, answers_BT: Tensor, prompt: int) -> Tensor:
    """How far (B, answer) each written token's logit lies below the largest, in one whole pass."""
    logits_BTV = target(answers_BT[:, :-1])[:, prompt - 1 :]
    own_BT = logits_BTV.gather(-1, answers_BT[:, prompt:, None])[..., 0]
    below_BT: Tensor = logits_BTV.amax(-1) - own_BT
    return below_BT
