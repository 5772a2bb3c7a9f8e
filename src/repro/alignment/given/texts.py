"""Given pairs as tokens, cut as trl cuts them, and the given reward of replies.

Legend: N pairs or replies, T time with the prompt.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from repro.alignment.given.configurations import GOLD
from repro.alignment.given.preferences import Preference, Said
from repro.alignment.methods.pairs import Pairs
from repro.corpora.languages.reviews import ASKED, REPLY, WORDS, gold
from repro.models.given import GivenModel

Row = tuple[list[int], list[int], list[int]]  # tokens of prompt, chosen and rejected
Rewards = Callable[[Sequence[Said], Sequence[str], Sequence[bool]], list[float]]  # prompts, replies, ended -> rewards


class Cutter:
    """The tokeniser of a given model. Fields: `end` the token that ends a reply.

    Raises:
        ValueError: it has no end token, or pairs are conversations and it has no chat template.
    """

    def __init__(self, folder: Path, name: str, *, talk: bool) -> None:
        self.tokeniser: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        if self.tokeniser.eos_token_id is None:
            raise ValueError(f"the tokeniser of {name} has no end token, so no reply would end; set its eos_token")
        if talk and self.tokeniser.chat_template is None:
            raise ValueError(
                f"the pairs are conversations and the tokeniser of {name} has no chat template; give a model with one, "
                "or write prompt, chosen and rejected as texts"
            )
        if self.tokeniser.pad_token is None:
            self.tokeniser.pad_token = self.tokeniser.eos_token
        self.end = int(self.tokeniser.eos_token_id)

    def prompt(self, prompt: Said) -> list[int]:
        """Tokens of a prompt, up to where the reply begins."""
        if isinstance(prompt, str):
            return list(self.tokeniser(prompt)["input_ids"])
        return self._talk(prompt, add_generation_prompt=True)

    def pair(self, row: Preference) -> Row:
        """Tokens of prompt, chosen and rejected; prompt tokens that a reply behind them changes belong to the reply."""
        asked, chosen, rejected = (
            self.prompt(row.prompt),
            self._whole(row, row.chosen),
            self._whole(row, row.rejected),
        )
        shared = min(_shared(asked, chosen), _shared(asked, rejected))
        return asked[:shared], chosen[shared:], rejected[shared:]

    def reply(self, asked: Sequence[int], tokens: Sequence[int]) -> tuple[str, bool]:
        """The text of a reply up to its end, and whether it ended."""
        said = list(takewhile(lambda token: token != self.end, tokens))
        text = functools.partial(self.tokeniser.decode, skip_special_tokens=True)
        # read behind its prompt: alone it would lose the space that it begins with
        return text([*asked, *said])[len(text(list(asked))) :], len(said) < len(tokens)

    def _whole(self, row: Preference, reply: Said) -> list[int]:
        if isinstance(row.prompt, str) and isinstance(reply, str):
            end = "" if reply.endswith(self.tokeniser.eos_token) else self.tokeniser.eos_token
            return list(self.tokeniser(row.prompt + reply + end)["input_ids"])
        return self._talk([*row.prompt, *reply])

    def _talk(self, messages: Any, **given: Any) -> list[int]:
        return list(self.tokeniser.apply_chat_template(messages, tokenize=True, return_dict=True, **given)["input_ids"])


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two beginnings share."""
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(one, other, strict=False)))


def stack_rows(rows: Sequence[Row]) -> Pairs:
    """Tokens of prompts and replies as pairs to learn from."""
    parts = []
    for side in (1, 2):
        masks = [torch.tensor([0] * len(row[0]) + [1] * len(row[side])) for row in rows]
        parts.append((_padded([torch.tensor(row[0] + row[side]) for row in rows]), _padded(masks)))
    wide = max(tokens_NT.shape[1] for tokens_NT, _ in parts)
    (chosen, chosen_mask), (rejected, rejected_mask) = (
        [torch.nn.functional.pad(part, (0, wide - part.shape[1])) for part in side] for side in parts
    )
    return Pairs(chosen, rejected, chosen_mask, rejected_mask)


def _padded(rows: list[torch.Tensor]) -> torch.Tensor:
    return pad_sequence(rows, batch_first=True)


def reward_function(reward: GivenModel | str, rows: Sequence[Preference]) -> Rewards:
    """The given reward as a function of prompts, replies and whether each ended.

    Raises:
        ValueError: gold, and pairs that are no made-up reviews; or a classifier of more than two labels.
    """
    if isinstance(reward, GivenModel):
        return Classifier(reward).rewards
    for number, row in enumerate(rows, start=1):
        for part in (row.prompt, row.chosen, row.rejected):
            if strange := [part] if row.talk else [word for word in str(part).split() if word not in WORDS]:
                raise ValueError(
                    f"{GOLD} knows made-up reviews alone, and pair {number} holds {strange[0]!r}; give -p reward the "
                    "folder or the hub name of a sequence classifier"
                )
    return gold_of_texts


def gold_of_texts(prompts: Sequence[Said], replies: Sequence[str], ended: Sequence[bool]) -> list[float]:
    """Gold of reviews as texts; one with a word too many, too few or unknown is no review."""
    numbers = {word: number for number, word in enumerate(WORDS)}
    rows = np.zeros((len(replies), ASKED + REPLY), dtype=np.int64)
    for row, prompt, reply in zip(rows, prompts, replies, strict=True):
        words = [numbers.get(word, 0) for word in f"{prompt} {reply}".split()]
        words = words if len(words) == ASKED - 1 + REPLY else [*words[: ASKED + REPLY - 2], 0]
        row[1 : 1 + len(words)] = words
    return [float(worth) for worth in gold(rows)]


class Classifier:
    """A sequence classifier of one label, whose score is the reward, or of two: log-odds of the second."""

    def __init__(self, given: GivenModel) -> None:
        self.tokeniser: Any = AutoTokenizer.from_pretrained(given.folder(), local_files_only=True)
        load = AutoModelForSequenceClassification.from_pretrained
        with torch.device("cpu"):
            model = load(given.folder(), use_safetensors=True, local_files_only=True, dtype=torch.float32)
        self.model: Any = model.to(torch.get_default_device()).eval()
        if self.model.config.num_labels not in (1, 2):
            labels = self.model.config.num_labels
            raise ValueError(f"{given.name} has {labels} labels; expected one, a score, or two, bad and good")
        self.model.config.pad_token_id = -1  # texts of one length are read together: no token is padding

    @torch.no_grad()
    def rewards(self, prompts: Sequence[Said], replies: Sequence[str], ended: Sequence[bool]) -> list[float]:
        """A reward for each reply; the classifier reads it behind its prompt, closed by its end token if it ended."""
        texts = [self._tokens(*text) for text in zip(prompts, replies, ended, strict=True)]
        rewards = [0.0] * len(texts)
        for length in {len(tokens) for tokens in texts}:
            places = [place for place, tokens in enumerate(texts) if len(tokens) == length]
            for part in (places[start : start + 64] for start in range(0, len(places), 64)):
                logits_NL = self.model(input_ids=torch.tensor([texts[place] for place in part])).logits
                scores_N = logits_NL[:, -1] - (logits_NL[:, 0] if logits_NL.shape[1] == 2 else 0)
                for place, score in zip(part, scores_N.tolist(), strict=True):
                    rewards[place] = score
        return rewards

    def _tokens(self, prompt: Said, reply: str, ended: bool) -> list[int]:
        if isinstance(prompt, str):
            tokens = self.tokeniser(prompt + reply)["input_ids"]
        elif self.tokeniser.chat_template is not None:
            messages = [*prompt, {"role": "assistant", "content": reply}]
            return list(self.tokeniser.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"])
        else:
            tokens = self.tokeniser("\n".join([*(message["content"] for message in prompt), reply]))["input_ids"]
        end = self.tokeniser.eos_token_id
        return [*tokens, end] if ended and end is not None and tokens[-1] != end else list(tokens)
