"""Given pairs as tokens, cut as trl cuts them, and the given reward of replies.

Legend: N pairs or replies, T time with the prompt.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from trl.data_utils import common_prefix_length

from repro.alignment.given.forms import Preference
from repro.alignment.given.messages import Said, spoken, written
from repro.alignment.given.preferences import FEWEST, GOLD
from repro.alignment.methods.pairs import Pairs
from repro.corpora.languages.reviews import ASKED, REPLY, WORDS, gold
from repro.models.given import GivenModel
from repro.models.library.opened import open_folder
from repro.models.library.vocabularies import tokeniser_of

Row = tuple[list[int], list[int], list[int]]  # tokens of prompt, chosen and rejected
Rewards = Callable[[Sequence[Said], Sequence[str], Sequence[bool]], list[float]]  # prompts, replies, ended -> rewards


class Cutter:
    """The tokeniser of a given model. Fields: `end` the token that ends a reply.

    Raises:
        ValueError: pairs are conversations and it has no chat template.
    """

    def __init__(self, folder: Path, name: str, *, talk: bool) -> None:
        self.tokeniser: Any = tokeniser_of(folder, name)
        if talk and self.tokeniser.chat_template is None:
            raise ValueError(
                f"the pairs are conversations and the tokeniser of {name} has no chat template; give a model with one, "
                "or write prompt, chosen and rejected as texts"
            )
        if self.tokeniser.pad_token is None:
            self.tokeniser.pad_token = self.tokeniser.eos_token
        self.end = int(self.tokeniser.eos_token_id)
        self.name = name
        self.roles: set[tuple[str, ...]] = set()  # orders that the template knows

    def pair(self, row: Preference) -> Row:
        """Tokens of prompt, chosen and rejected; prompt tokens that a reply behind them changes belong to the reply.

        Raises:
            ValueError: the chat template refuses the conversation, or leaves out what somebody says in it.
        """
        asked, chosen, rejected = self._prompt(row), self._whole(row, row.chosen), self._whole(row, row.rejected)
        shared = min(common_prefix_length(asked, chosen), common_prefix_length(asked, rejected))
        return asked[:shared], chosen[shared:], rejected[shared:]

    def reply(self, asked: Sequence[int], tokens: Sequence[int]) -> tuple[str, bool]:
        """The text of a reply up to its end, and whether it ended."""
        said = list(takewhile(lambda token: token != self.end, tokens))
        text = functools.partial(self.tokeniser.decode, skip_special_tokens=True)
        # read behind its prompt: alone it would lose the space that it begins with
        return text([*asked, *said])[len(text(list(asked))) :], len(said) < len(tokens)

    def _prompt(self, row: Preference) -> list[int]:
        if isinstance(row.prompt, str):
            return list(self.tokeniser(row.prompt)["input_ids"])
        self._refuse_silence(row)
        return self._talk(row, row.prompt, add_generation_prompt=True)

    def _whole(self, row: Preference, reply: Said) -> list[int]:
        if isinstance(row.prompt, str) and isinstance(reply, str):
            end = "" if reply.endswith(self.tokeniser.eos_token) else self.tokeniser.eos_token
            return list(self.tokeniser(row.prompt + reply + end)["input_ids"])
        return self._talk(row, [*row.prompt, *reply])

    def _talk(self, row: Preference, messages: Any, **given: Any) -> list[int]:
        return list(self._templated(row, messages, tokenize=True, return_dict=True, **given)["input_ids"])

    def _templated(self, row: Preference, messages: Any, **given: Any) -> Any:
        given |= {"tools": row.tools, **row.chat_template_kwargs}
        return templated(self.tokeniser, self.name, row.where, messages, **given)

    def _refuse_silence(self, row: Preference) -> None:
        """Refuse an order of roles, where it first comes, of which the chat template drops a message or the tools."""
        messages: Any = row.prompt
        roles = (*(message["role"] for message in messages), "tools" if row.tools else "")
        if roles in self.roles:
            return
        self.roles.add(roles)
        text = str(self._templated(row, messages, tokenize=False, add_generation_prompt=True))
        for who, words in spoken(messages, row.tools):
            if words not in text:
                raise ValueError(
                    f"{row.where}: the chat template of {self.name} leaves out the {who}, so the model would not read "
                    "it; give a model whose template knows it, or write it into the user's message"
                )


def templated(tokeniser: Any, name: str, where: str, messages: Any, **given: Any) -> Any:
    """Messages as a text or tokens, by the chat template of a model of this name.

    Raises:
        ValueError: the template refuses them.
    """
    try:
        return tokeniser.apply_chat_template(messages, **given)
    except Exception as error:  # a template is a program of the model's, and fails as it likes
        roles = ", ".join(message["role"] for message in messages)
        why = str(error).partition("\n")[0][:200] or type(error).__name__
        raise ValueError(f"{where}: the chat template of {name} refuses the roles {roles} ({why})") from error


@dataclass(frozen=True)
class CutPairs:
    """Pairs as tokens: the numbers of those in use, and by the reason of those left out."""

    rows: list[Row]
    short: list[int]
    left_out: dict[str, list[int]]


def cut_pairs(cutter: Cutter, pairs: Sequence[Preference], prompt: int, reply: int) -> CutPairs:
    """Pairs as tokens, those with more than `prompt` or `reply` tokens, or without a difference, left out.

    Raises:
        ValueError: too few are left.
    """
    rows = [cutter.pair(pair) for pair in pairs]
    many, long, same = f"more than {prompt} tokens of prompt", f"more than {reply} tokens of a reply", "equal in tokens"
    left_out: dict[str, list[int]] = {many: [], long: [], same: []}
    short: list[int] = []
    for n, (asked, chosen, rejected) in enumerate(rows):
        tests = {many: len(asked) > prompt, long: max(len(chosen), len(rejected)) > reply, same: chosen == rejected}
        reason = next((why for why, failed in tests.items() if failed), None)
        (left_out[reason] if reason else short).append(n)
    prompts = {tuple(rows[n][0]) for n in short}
    if len(short) < FEWEST or len(prompts) < FEWEST:
        told = ", ".join(f"{len(numbers)} have {why}" for why, numbers in left_out.items() if numbers)
        raise ValueError(
            f"{len(short)} of {len(rows)} pairs, with {len(prompts)} different prompts, can be used"
            f"{told and f' ({told})'}; expected {FEWEST} of both, of which a fifth is held out: give more, or raise "
            "-p prompt and -p reply"
        )
    return CutPairs(rows, short, left_out)


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
        self.name = given.name
        self.tokeniser: Any = tokeniser_of(given.folder(), given.name)
        self.model: Any = open_folder(given.folder(), classifies=True).to(torch.get_default_device())
        if self.model.config.num_labels not in (1, 2):
            labels = self.model.config.num_labels
            raise ValueError(f"{given.name} has {labels} labels; expected one, a score, or two, bad and good")
        self.model.config.pad_token_id = -1  # texts of one length are read together: no token is padding

    @torch.no_grad()
    def rewards(self, prompts: Sequence[Said], replies: Sequence[str], ended: Sequence[bool]) -> list[float]:
        """A reward for each reply; the classifier reads it behind its prompt, closed by its end token if it ended."""
        said = zip(prompts, replies, ended, strict=True)
        texts = [behind_prompt(self.tokeniser, self.name, prompt, reply, ended=end) for prompt, reply, end in said]
        rewards = [0.0] * len(texts)
        for length in {len(tokens) for tokens in texts}:
            places = [place for place, tokens in enumerate(texts) if len(tokens) == length]
            for part in (places[start : start + 64] for start in range(0, len(places), 64)):
                logits_NL = self.model(input_ids=torch.tensor([texts[place] for place in part])).logits
                scores_N = logits_NL[:, -1] - (logits_NL[:, 0] if logits_NL.shape[1] == 2 else 0)
                for place, score in zip(part, scores_N.tolist(), strict=True):
                    rewards[place] = score
        return rewards


def behind_prompt(tokeniser: Any, name: str, prompt: Said, reply: str, *, ended: bool) -> list[int]:
    """Tokens that a judge reads: a reply behind its prompt, by its chat template, or without one a message per line."""
    if isinstance(prompt, str):
        tokens = tokeniser(prompt + reply)["input_ids"]
    elif tokeniser.chat_template is not None:
        messages = [*prompt, {"role": "assistant", "content": reply}]
        given: dict[str, Any] = {"tokenize": True, "return_dict": True}
        return list(templated(tokeniser, name, "to judge a reply", messages, **given)["input_ids"])
    else:
        tokens = tokeniser("\n".join([*map(written, prompt), reply]))["input_ids"]
    end = tokeniser.eos_token_id
    return [*tokens, end] if ended and end is not None and tokens[-1] != end else list(tokens)
