"""Assisted generation of transformers beside its own plain generation, timed by turns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from repro.inference.speculation.configurations import Generating
from repro.instruments.turns import take_turns
from repro.models.library.opened import LibraryModel
from repro.models.llama import to_llama
from repro.models.transformer import Transformer


def as_of_transformers(*models: Transformer | LibraryModel) -> list[Any]:
    """The same models as transformers has them, ours as Llamas.

    They are untyped, since generate's types forbid keyword arguments from a dictionary.
    """
    return [model.model if isinstance(model, LibraryModel) else to_llama(model) for model in models]


def always_draft(small: Any, count: int) -> None:
    """As many drafted tokens each time, whatever the draft's confidence."""
    settings = small.generation_config
    settings.num_assistant_tokens = count
    settings.num_assistant_tokens_schedule = "constant"
    settings.assistant_confidence_threshold = 0.0


def answers_by_turns(
    config: Generating, large: Any, small: Any, prompt_T: Tensor, number: int
) -> tuple[list[float], bool]:
    """Seconds of one answer without and with assistance, and whether the two are identical.

    Args:
        number: of the prompt, by which both draw; before the first both write once more, to warm up.
    """
    sides = [_side(config, large, prompt_T, number, aid) for aid in ({}, _aid(config, small))]
    for side in sides if not number else []:
        side()
    answers: dict[int, Tensor] = {}
    runs = [partial(_keep, answers, *side) for side in enumerate(sides)]
    seconds = [one for [one] in take_turns(runs, rounds=1, seed=number, device=config.device)]
    return seconds, torch.equal(answers[0], answers[1])


def _keep(answers: dict[int, Tensor], number: int, side: Callable[[], Tensor]) -> None:
    answers[number] = side()


def _aid(config: Generating, small: Any) -> dict[str, Any]:
    return {"prompt_lookup_num_tokens": config.drafted or 10} if config.lookup else {"assistant_model": small}


def _side(config: Generating, large: Any, prompt_T: Tensor, number: int, aid: dict[str, Any]) -> Callable[[], Tensor]:
    drawing = config.drawing
    asked: dict[str, Any] = {"do_sample": bool(drawing.temperature)}
    if drawing.temperature:
        asked |= {"temperature": drawing.temperature, "top_k": drawing.top_k, "top_p": drawing.top_p}
    asked |= {"max_new_tokens": config.length, "min_new_tokens": config.length, **aid}

    def run() -> Tensor:
        torch.manual_seed(number)
        written: Tensor = large.generate(prompt_T[None], attention_mask=torch.ones_like(prompt_T[None]), **asked)
        return written

    return run
