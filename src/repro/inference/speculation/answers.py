"""Answers with and without a draft, timed by turns.

B sequences of a batch, T time, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.floor.measurement import Numbers
from repro.inference.decoding.choices import Drawn
from repro.inference.decoding.drawing import law
from repro.inference.decoding.lean import Lean
from repro.inference.speculation.configurations import LOOKUP, MODEL, NGRAMS, SELF, Decoding
from repro.inference.speculation.drafting import Draft, ModelDraft, NGramDraft, PromptLookup, Speculation
from repro.inference.speculation.given import GivenPair
from repro.inference.speculation.passes import AnyReader, Model, counted_ngrams, reader_of
from repro.inference.speculation.steady import StaticSpeculation
from repro.instruments.turns import clock

COUNTS = ("tested", "accepted", "rounds", "tokens")


class TimedAnswers:
    """Two ways to the answers of one target, with a draft and without, each batch of prompts timed by turns.

    One reader serves both: a place of its cache is written anew whenever a token there is read.
    """

    def __init__(self, config: Decoding, target: Model, draft: Model) -> None:
        self.config, self.target, self.draft = config, target, draft
        self.reader, self.guesser = self._reader(target), self._guesser()
        self.lists: dict[str, list[float]] = {name: [] for name in ("plain", "speculative", "overlap", *COUNTS)}
        self.accepting = [0] * (config.drafted + 1)

    def numbers(self) -> Numbers:
        """What `time_decoding` returns."""
        prompts = self.config.prompts.windows().to(self.config.device).split(self.config.batch)
        self.steady = self._steady(prompts[0]) if self.config.static else None
        index, parts = self.config.part
        if self.config.device == "cuda" or parts > 1:
            self._warm_up(prompts[0])
        for turn, (number, prompt_BT) in enumerate([*enumerate(prompts)][index::parts]):
            early = self._speculative(prompt_BT, number) if turn % 2 else None
            answers_BT = self._plain(prompt_BT, number)
            drafted, accepted = early or self._speculative(prompt_BT, number)
            if self.config.draft == MODEL and self.config.drawing.temperature:
                self.lists["overlap"].append(self._overlap(answers_BT))
            self._count(drafted, accepted)
        return {**self.lists, "accepting": self.accepting}

    def _warm_up(self, prompt_BT: Tensor) -> None:
        """Both sides once, for nothing: kernels are chosen and loaded, and memory taken, at first use.

        On a CPU that is little, so only where a process has few answers.
        """
        self._plain(prompt_BT, 0), self._speculative(prompt_BT, 0)
        for one in self.lists.values():
            one.clear()

    def _plain(self, prompt_BT: Tensor, number: int) -> Tensor:
        """Prompts and answers, written a token per pass."""
        length, place = self.config.length, prompt_BT.shape[1] - 1
        if self.steady:
            self.steady.begin(prompt_BT, 2 * number)
            begin = clock(self.config.device)
            for _ in range(length):
                self.steady.advance(0)
            self.lists["plain"].append(clock(self.config.device) - begin)
            return self.steady.answers_BL.clone()
        choices = Drawn(2 * number, self.config.device)
        self.reader.read(prompt_BT[:, :-1], torch.zeros_like(prompt_BT[:, 0]))
        begin, written = clock(self.config.device), [prompt_BT]
        for step in range(length):
            starts_B = torch.full_like(prompt_BT[:, 0], place + step)
            p_BV = law(self.reader.read(written[-1][:, -1:], starts_B)[:, -1], self.config.drawing)
            written.append(choices.token(p_BV)[:, None])
        self.lists["plain"].append(clock(self.config.device) - begin)
        return torch.cat(written, 1)

    def _speculative(self, prompt_BT: Tensor, number: int) -> tuple[list[int], list[Tensor]]:
        """How many tokens each round drafted, and how many of them (B,) were accepted."""
        config, seed = self.config, 2 * number + 1
        if self.steady:
            answers: Speculation = self.steady
            self.steady.begin(prompt_BT, seed)
        else:
            answers = Speculation(
                self.reader,
                self.guesser,
                prompt_BT,
                length=config.length,
                longest=config.drafted,
                drawing=config.drawing,
                choices=Drawn(seed, config.device),
            )
        begin = clock(config.device)
        while answers.left:
            answers.round(config.drafted)
        self.lists["speculative"].append(clock(config.device) - begin)
        return answers.drafted, answers.accepted

    def _steady(self, prompt_BT: Tensor) -> StaticSpeculation:
        config = self.config
        assert isinstance(self.reader, Lean)  # no other is static, which the configuration refuses
        return StaticSpeculation(
            self.reader, self.guesser, prompt_BT, length=config.length, longest=config.drafted, drawing=config.drawing
        )

    def _count(self, drafted: list[int], accepted: list[Tensor]) -> None:
        """Add the rounds that drafted as many tokens as wanted; of a batch, those of its first answer."""
        wanted = self.config.drafted
        whole = [int(one[0]) for count, one in zip(drafted, accepted, strict=True) if count == wanted]
        sums = sum(min(one + 1, wanted) for one in whole), sum(whole), len(whole), sum(whole) + len(whole)
        for name, one in zip(COUNTS, sums, strict=True):
            self.lists[name].append(one)
        for count in whole:
            self.accepting[count] += 1

    def _reader(self, model: Model, layers: int | None = None) -> AnyReader:
        config = self.config
        return reader_of(model, config, config.prompts.length + config.length + config.drafted + 1, layers=layers)

    def _guesser(self) -> Draft:
        config = self.config
        if config.draft == LOOKUP:
            return PromptLookup(self.target.shape.vocabulary)
        if config.draft == NGRAMS:
            assert not isinstance(config.pair, GivenPair)  # refused by the configuration
            run = config.pair.target
            return NGramDraft(counted_ngrams(run.text, run.readings[-1]), config.drawing)
        reader = self._reader(self.target, layers=1) if config.draft == SELF else self._reader(self.draft)
        return ModelDraft(reader, config.drawing)

    @torch.inference_mode()
    def _overlap(self, answers_BT: Tensor) -> float:
        """Mean sum of min(p, q) over the places of the target's own answers."""
        start = self.config.prompts.length - 1
        models = self.target, self.draft
        p, q = (law(model(answers_BT[:, :-1])[:, start:].float(), self.config.drawing) for model in models)
        return float(torch.minimum(p, q).sum(-1).mean())
