"""Calls of a model that share beginnings, as token numbers: few-shot prompts, turns of chats, branches of thought."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from repro.floor.arrays import Tokens
from repro.inference.serving.configurations import Spread
from repro.inference.serving.reuse.configurations import Calls

VOCABULARY = 50_000  # so large that texts drawn apart share no beginning


@dataclass(frozen=True)
class Call:
    """One call: the tokens that the model reads and those that it writes."""

    prompt: Tokens
    answer: Tokens


class _Writer:
    """Texts of drawn lengths and tokens."""

    def __init__(self, seed: int, spread: float) -> None:
        self.rng, self.spread = np.random.default_rng([seed, 23]), spread

    def text(self, mean: int) -> Tokens:
        count = max(1, round(float(Spread(mean=mean, spread=self.spread).draw(1, self.rng)[0])))
        return self.rng.integers(VOCABULARY, size=count)


def drawn_calls(config: Calls, seed: int) -> list[Call]:
    """The calls of a pipeline, in the order in which they come."""
    writer = _Writer(seed, config.spread)
    kinds = {"few-shot": _few_shot, "chat": _chat, "branches": _branches, "unrelated": _unrelated}
    source = kinds[config.kind](config, writer)
    return [next(source) for _ in range(config.count)]


def _few_shot(config: Calls, writer: _Writer) -> Iterator[Call]:
    examples = [writer.text(config.examples) for _ in range(config.tasks)]
    while True:
        prompt = np.concatenate([examples[writer.rng.integers(config.tasks)], writer.text(config.message)])
        yield Call(prompt, writer.text(config.answer))


def _unrelated(config: Calls, writer: _Writer) -> Iterator[Call]:
    while True:
        yield Call(writer.text(config.examples), writer.text(config.answer))


def _chat(config: Calls, writer: _Writer) -> Iterator[Call]:
    instruction = writer.text(config.instruction)
    return _by_turns(config, writer, lambda: _conversation(config, writer, instruction))


def _conversation(config: Calls, writer: _Writer, past: Tokens) -> Iterator[Call]:
    for _ in range(config.turns):
        call = Call(np.concatenate([past, writer.text(config.message)]), writer.text(config.answer))
        past = np.concatenate([call.prompt, call.answer])
        yield call


def _branches(config: Calls, writer: _Writer) -> Iterator[Call]:
    instruction = writer.text(config.instruction)
    return _by_turns(config, writer, lambda: _thoughts(config, writer, instruction))


def _thoughts(config: Calls, writer: _Writer, instruction: Tokens) -> Iterator[Call]:
    """All continuations to the depth, the shallow ones first."""
    layer = [np.concatenate([instruction, writer.text(config.message)])]
    for _ in range(config.depth):
        deeper = []
        for past in layer:
            for _ in range(config.width):
                call = Call(past, writer.text(config.answer))
                deeper.append(np.concatenate([past, call.answer]))
                yield call
        layer = deeper


def _by_turns(config: Calls, writer: _Writer, begin: Callable[[], Iterator[Call]]) -> Iterator[Call]:
    """Calls of `live` sources, each time of one drawn at random; where one has ended another begins."""
    sources = [begin() for _ in range(config.live)]
    while True:
        place = int(writer.rng.integers(config.live))
        try:
            yield next(sources[place])
        except StopIteration:
            sources[place] = begin()
