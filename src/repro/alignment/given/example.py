"""The example of given pairs: a small Llama of made-up reviews and a file of pairs of its replies."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from repro.alignment.given.configurations import Example, Given, given_task
from repro.alignment.given.preferences import GOLD
from repro.alignment.given.texts import gold_of_texts
from repro.alignment.methods.causal import Causal
from repro.alignment.methods.library import word_tokeniser
from repro.alignment.methods.replies import sample_replies
from repro.alignment.reviews.configurations import Stage
from repro.alignment.reviews.start import learn_replies
from repro.corpora.languages.reviews import ASKED, NOUNS, REPLY, WORDS, draw_reviews
from repro.floor import places
from repro.floor.identity import key
from repro.models.decoder import Decoder
from repro.models.llama import to_llama
from repro.models.transformer import Transformer

END = 1  # the tokeniser's; its start is 0, and a review's words follow from 3


def example_task(example: Example) -> Given:
    """The example as a given task, its files written now where they are not there yet."""
    folder = places.checkpoints() / "own-pairs" / key("own_example", 1, example, 0)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
        write_example(example, fresh)
        try:
            fresh.rename(folder)  # whole or not at all; another process may have been faster
        except OSError:
            shutil.rmtree(fresh)
    return given_task(str(folder / "model"), str(folder / "pairs.jsonl"), GOLD)


def write_example(example: Example, folder: Path) -> None:
    """Write `model`, a folder with a Llama and its tokeniser, and `pairs.jsonl`, one pair per line."""
    with torch.device("cpu"):  # the example is the same wherever it is used
        model, tokeniser = fine_tuned(example.stage), word_tokeniser(WORDS[1:])
        model.save_pretrained(folder / "model")
        tokeniser.save_pretrained(folder / "model")
        rows = draw_rows(Causal(model), tokeniser, example.pairs)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "pairs.jsonl").write_text(text, encoding="utf-8")


def fine_tuned(stage: Stage) -> LlamaForCausalLM:
    """A Llama trained from scratch on reviews, each closed by an end token."""
    torch.manual_seed(0)
    shape = Decoder(
        vocabulary=len(WORDS) + 2,
        width=stage.width,
        layers=stage.layers,
        heads=max(1, stage.width // 16),
        context=ASKED + REPLY + 1,
    )
    model = Transformer(shape)
    learn_replies(model, _numbered(torch.from_numpy(draw_reviews(stage.steps * stage.batch, 0))), stage)
    return to_llama(model)


def _numbered(reviews_NT: Tensor) -> Tensor:
    """(N, T + 1) reviews in the tokeniser's numbers, with an end token."""
    return F.pad(torch.where(reviews_NT > 0, reviews_NT + 2, 0), (0, 1), value=END)


@torch.no_grad()
def draw_rows(model: Causal, tokeniser: PreTrainedTokenizerFast, count: int) -> list[dict[str, str]]:
    """Pairs of replies of a model to nouns; the first wins with probability sigma of its gold minus the other's."""
    generator = torch.Generator().manual_seed(0)
    nouns = [NOUNS[n % len(NOUNS)] for n in range(count)]
    asked_NT = torch.tensor([tokeniser(noun)["input_ids"] for noun in nouns])
    drawn = (sample_replies(model, asked_NT, REPLY + 1, generator)[:, ASKED:].tolist() for _ in range(2))
    said = [[_text(tokeniser, tokens) for tokens in replies] for replies in drawn]
    worth = [torch.tensor(gold_of_texts(nouns, replies, [True] * count)) for replies in said]
    wins = torch.rand(count, generator=generator) < torch.sigmoid(worth[0] - worth[1])
    return [
        {"prompt": noun, "chosen": pair[0 if won else 1], "rejected": pair[1 if won else 0]}
        for noun, pair, won in zip(nouns, zip(*said, strict=True), wins.tolist(), strict=True)
        if pair[0] != pair[1] and min(map(len, pair)) > 1
    ]


def _text(tokeniser: PreTrainedTokenizerFast, tokens: list[int]) -> str:
    """A reply in words, with the space that it begins with, up to its end token."""
    said = tokens[: tokens.index(END)] if END in tokens else tokens
    return " " + str(tokeniser.decode(said, skip_special_tokens=True))
