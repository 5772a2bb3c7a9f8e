"""Assisted generation of transformers beside its own plain generation, timed by turns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from repro.floor.measurement import Numbers
from repro.inference.speculation.configurations import Generating
from repro.inference.speculation.passes import pair_held
from repro.inference.speculation.written import always_draft, as_llamas
from repro.instruments.turns import on_one_thread, take_turns


def generate_timed(config: Generating, seed: int) -> Numbers:
    """See `speed.time_generate`."""
    with on_one_thread(config.device):
        large, small = (llama.to(config.device) for llama in as_llamas(*pair_held(config.pair, seed, config.device)))
        if config.drafted:
            always_draft(small, config.drafted)
        times: list[list[float]] = []
        identical = 0
        for number, prompt_T in enumerate(config.prompts.windows().to(config.device)):
            sides = [_side(config, large, prompt_T, number, help) for help in ({}, _help(config, small))]
            if not number:
                sides[1]()  # the first call warms up both models
            answers: dict[int, Tensor] = {}
            runs = [partial(_keep, answers, *side) for side in enumerate(sides)]
            times.append([one[0] for one in take_turns(runs, rounds=1, seed=number, device=config.device)])
            identical += int(torch.equal(answers[0], answers[1]))
    plain, speculative = zip(*times, strict=True)
    return {"plain": list(plain), "speculative": list(speculative), "identical": identical}


def _keep(answers: dict[int, Tensor], number: int, side: Callable[[], Tensor]) -> None:
    answers[number] = side()


def _help(config: Generating, small: Any) -> dict[str, Any]:
    return {"prompt_lookup_num_tokens": config.drafted or 10} if config.lookup else {"assistant_model": small}


def _side(config: Generating, large: Any, prompt_T: Tensor, number: int, help: dict[str, Any]) -> Callable[[], Tensor]:
    drawing = config.drawing
    asked: dict[str, Any] = {"do_sample": False}
    if drawing.temperature:
        asked = {
            "do_sample": True,
            "temperature": drawing.temperature,
            "top_k": drawing.top_k,
            "top_p": drawing.top_p,
        }
    asked |= {"max_new_tokens": config.length, "min_new_tokens": config.length, **help}

    def run() -> Tensor:
        torch.manual_seed(number)
        written: Tensor = large.generate(prompt_T[None], attention_mask=torch.ones_like(prompt_T[None]), **asked)
        return written

    return run
