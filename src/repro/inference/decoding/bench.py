"""The lean decoder timed against `generate` of transformers on the same weights, in the same run.

Times are those of `turns`: one thread's own seconds on a CPU, the sides by turns. Ratios are medians over the rounds.
On a GPU a step of the lean decoder is replayed as a CUDA graph as well. All is in single precision, so that all sides
have to write the same tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from repro.floor.estimate import LEVEL
from repro.floor.provenance import device
from repro.inference.decoding.choices import Drawn
from repro.inference.decoding.configurations import GREEDY
from repro.inference.decoding.lean import LAYOUTS, ROWS, Lean
from repro.inference.decoding.writing import write_plainly
from repro.instruments.graphs import capture
from repro.instruments.turns import milliseconds, on_one_thread, take_turns
from repro.models.counting import parameters
from repro.models.decoder import Decoder
from repro.models.llama import to_llama
from repro.models.transformer import Transformer
from repro.statistics import median_interval

GOAL_RATIO = 1.5
PROMPT = 32
ROUNDS = 12  # the fewest whose 99 % interval of the median leaves out a round at either end
FEWEST = 8  # rounds: fewer hold no 99 % interval of a median
SECONDS = {"cpu": 150.0, "cuda": 60.0}  # of the clock, for all sizes
# Of 5, 20 and 60 million parameters, output matrix and embedding one.
SHAPES = {
    "5M": Decoder(vocabulary=4096, width=256, layers=5, heads=4, context=512),
    "20M": Decoder(vocabulary=4096, width=448, layers=8, heads=7, context=512),
    "60M": Decoder(vocabulary=4096, width=704, layers=10, heads=11, context=512),
}
Write = Callable[[], torch.Tensor]


@dataclass(frozen=True)
class SizeBench:
    """One decoder with untrained weights.

    Fields: `rounds` in which the sides took turns; `milliseconds` per token, by side; `ratios` of transformers over
    each of ours: value, low, high; `identical` whether all sides wrote the same greedy tokens.
    """

    name: str
    parameters: int
    rounds: int
    milliseconds: dict[str, float]
    ratios: dict[str, tuple[float, float, float]]
    identical: bool


@dataclass(frozen=True)
class DecodingBench:
    """The benchmark of all sizes.

    Fields: `unit` of time; `tokens` written by each side in each round; `rounds` of the size that had the fewest;
    `level` of the intervals.
    """

    device: str
    unit: str
    tokens: int
    rounds: int
    level: float
    sizes: tuple[SizeBench, ...]


def bench_decoding(
    *, sizes: tuple[str, ...] = tuple(SHAPES), tokens: int = 32, rounds: int = ROUNDS, seconds: float | None = None
) -> DecodingBench:
    """Time `tokens` greedy tokens after a prompt of 32, its reading included, in `rounds` rounds.

    Args:
        seconds: of the clock, beyond which rounds are left out, but for 8; None: as `SECONDS` has it.

    Raises:
        ValueError: a size that is not timed.
    """
    if unknown := set(sizes) - set(SHAPES):
        raise ValueError(f"no size {', '.join(sorted(unknown))}; expected some of {', '.join(SHAPES)}")
    gpu = torch.cuda.is_available()
    where = "cuda" if gpu else "cpu"
    deadline, timed = time.monotonic() + (SECONDS[where] if seconds is None else seconds), []
    with on_one_thread(where):
        for left, name in zip(range(len(sizes), 0, -1), sizes, strict=True):
            part = (deadline - time.monotonic()) / left
            timed.append(_size(name, SHAPES[name], tokens, rounds, part, where))
    least, unit = min(one.rounds for one in timed), "second" if gpu else "CPU second"
    return DecodingBench(device(), unit, tokens, least, LEVEL, tuple(timed))


def _size(name: str, shape: Decoder, tokens: int, rounds: int, part: float, where: str) -> SizeBench:
    torch.manual_seed(0)
    start = time.monotonic()
    with torch.device(where):
        model, prompt_BT = Transformer(shape).eval(), torch.randint(shape.vocabulary, (1, PROMPT))
    sides: dict[str, Write] = {"transformers": _generate(model, prompt_BT, tokens)}
    for layout in LAYOUTS:
        reader = Lean(model, capacity=PROMPT + tokens, layout=layout)
        if reader.layout == layout:  # packing falls back to plain weights where it cannot be done
            sides[f"lean, {layout}"] = _plainly(reader, prompt_BT, tokens)
    if where == "cuda":
        sides["lean, graph"] = replayed(
            Lean(model, capacity=PROMPT + tokens, layout=ROWS, static=True), prompt_BT, tokens
        )
    written = [write().tolist() for write in sides.values()]
    rounds = _affordable(rounds, part - (time.monotonic() - start), sides)
    seconds = take_turns([*sides.values()], rounds=rounds, seed=0, device=where)
    ratios = {side: _ratio(seconds[0], ours) for side, ours in list(zip(sides, seconds, strict=True))[1:]}
    per_token = {side: whole / tokens for side, whole in zip(sides, milliseconds(seconds), strict=True)}
    identical = all(one == written[0] for one in written)
    return SizeBench(name, parameters(shape).total, rounds, per_token, ratios, identical)


def _affordable(rounds: int, seconds: float, sides: dict[str, Write]) -> int:
    """The rounds that so many seconds of the clock hold, by one that is not counted; 8 at least."""
    begin = time.monotonic()
    for write in sides.values():
        write().tolist()
    return max(min(FEWEST, rounds), min(rounds, int(seconds / (time.monotonic() - begin)) - 1))


def _ratio(theirs: list[float], ours: list[float]) -> tuple[float, float, float]:
    ratio = median_interval([over / under for over, under in zip(theirs, ours, strict=True)])
    return ratio.value, ratio.low, ratio.high


def _generate(model: Transformer, prompt_BT: torch.Tensor, tokens: int) -> Write:
    llama: Any = to_llama(model)  # untyped, since generate's types forbid keyword arguments from a dictionary
    asked = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False}
    return lambda: llama.generate(prompt_BT, attention_mask=torch.ones_like(prompt_BT), **asked)


def _plainly(reader: Lean, prompt_BT: torch.Tensor, tokens: int) -> Write:
    choices = Drawn(0, str(prompt_BT.device))
    return lambda: write_plainly(reader, prompt_BT, length=tokens, drawing=GREEDY, choices=choices)


def replayed(reader: Lean, prompt_BT: torch.Tensor, tokens: int) -> Write:
    """Greedy answers by a static reader, on a GPU a graph per token: prompts and answers (B, prompt + tokens)."""
    last = prompt_BT.shape[1] - 1
    tokens_BC = torch.nn.functional.pad(prompt_BT, (0, tokens))
    place_B = torch.full_like(prompt_BT[:, 0], last)

    def step() -> None:
        logits_BV = reader.read(tokens_BC.gather(1, place_B[:, None]), place_B)[:, -1]
        place_B.add_(1)
        tokens_BC.scatter_(1, place_B[:, None], logits_BV.argmax(-1, keepdim=True))

    replay = capture(step)[0] if prompt_BT.is_cuda else step

    def write() -> torch.Tensor:
        reader.read(prompt_BT[:, :-1], torch.zeros_like(place_B))
        place_B.fill_(last)
        for _ in range(tokens):
            replay()
        return tokens_BC.clone()

    return write
