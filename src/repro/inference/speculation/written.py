"""What a pair writes, set beside the target's own law and its own likeliest tokens.

B answers, T time, F likeliest first tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from repro.inference.decoding.choices import Drawn
from repro.inference.decoding.configurations import GREEDY
from repro.inference.decoding.drawing import law
from repro.inference.decoding.lean import Lean
from repro.inference.decoding.writing import write_plainly
from repro.inference.speculation.assisted import always_draft, as_of_transformers
from repro.inference.speculation.configurations import ASSISTED, PLAIN, GreedyAnswers, WrittenPairs
from repro.inference.speculation.drafting import ModelDraft, Speculation, speculate
from repro.inference.speculation.verification import RULES
from repro.models.transformer import Transformer
from repro.statistics import GTest, g_test

FIRST = 32  # first tokens after which second ones are told apart
SEEDS = 100_000  # between two seeds of draws
Writer = Callable[[Tensor, int], tuple[Tensor, list[float]]]


def pair_writer(config: WrittenPairs, target: Transformer, draft: Transformer) -> Writer:
    """(prompts, seed) -> two tokens after each, and how many drafted tokens each first round accepted."""
    if config.by == ASSISTED:
        return _assisted_writer(config, target, draft)
    time, longest = config.prompts.length, config.drafted + 2

    def write(prompt_BT: Tensor, seed: int) -> tuple[Tensor, list[float]]:
        batch, room = len(prompt_BT), time + 2 * longest
        reader = Lean(target, batch=batch, capacity=room)
        if config.by == PLAIN:
            answers_BT = write_plainly(
                reader, prompt_BT, length=2, drawing=config.drawing, choices=Drawn(seed, config.device)
            )
            return answers_BT[:, time:], []
        rule, guesser = RULES[config.by], ModelDraft(Lean(draft, batch=batch, capacity=room), config.drawing)
        answers = Speculation(
            reader,
            guesser,
            prompt_BT,
            length=longest,
            longest=config.drafted,
            drawing=config.drawing,
            choices=rule.drawn(seed, config.device),
            rule=rule,
        )
        while answers.left > longest - 2:
            answers.round(config.drafted)
        return answers.answers_BL[:, time : time + 2], answers.accepted[0].tolist()

    return write


def _assisted_writer(config: WrittenPairs, target: Transformer, draft: Transformer) -> Writer:
    large, small = as_of_transformers(target, draft)
    always_draft(small, config.drafted)
    drawing = config.drawing
    sampled = {"temperature": drawing.temperature or 1.0, "top_k": drawing.top_k, "top_p": drawing.top_p}

    def write(prompt_BT: Tensor, seed: int) -> tuple[Tensor, list[float]]:
        torch.manual_seed(seed)
        asked = {"assistant_model": small, "max_new_tokens": config.drafted + 1, "do_sample": True, **sampled}
        answers = [large.generate(prompt_T[None], **asked) for prompt_T in prompt_BT]
        return torch.cat([one[:, config.prompts.length :][:, :2] for one in answers]), []

    return write


def pair_test(
    config: WrittenPairs, target: Transformer, write: Writer, prompt_T: Tensor, first_seed: int
) -> tuple[GTest, list[float]]:
    """A G-test of the pairs written after one prompt, and how many drafted tokens each first round accepted."""
    first_F, cells = pair_law(target, prompt_T, config)
    counts, accepted = torch.zeros(cells.numel(), device=config.device), []
    for begin in range(0, config.samples, config.batch):
        size = min(config.batch, config.samples - begin)
        pairs_B2, accepted_first = write(prompt_T.expand(size, -1), first_seed + begin)
        accepted += accepted_first
        counts += torch.bincount(cell_of(pairs_B2, first_F, cells.shape[1]), minlength=cells.numel())
    return g_test(counts.cpu().numpy(), cells.flatten().cpu().numpy()), accepted


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


def greedy_answers(config: GreedyAnswers, target: Transformer, draft: Transformer) -> Iterator[tuple[Tensor, Tensor]]:
    """(answer without a draft, with it) of each prompt, prompts included."""
    assisted = config.by == ASSISTED
    if assisted:
        large, small = as_of_transformers(target, draft)
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
        drafted = speculate(
            readers[1],
            ModelDraft(readers[2], GREEDY),
            prompt_BT,
            length=config.length,
            drafted=config.drafted,
            drawing=GREEDY,
            choices=Drawn(0, config.device),
            rule=RULES[config.by],
        )
        yield alone[0], drafted.answers_BL[0]


@torch.inference_mode()
def below_largest(target: Transformer, answers_BT: Tensor, prompt: int) -> Tensor:
    """How far (B, answer) each written token's logit lies below the largest, in one whole pass."""
    logits_BTV = target(answers_BT[:, :-1])[:, prompt - 1 :]
    own_BT = logits_BTV.gather(-1, answers_BT[:, prompt:, None])[..., 0]
    below_BT: Tensor = logits_BTV.amax(-1) - own_BT
    return below_BT
