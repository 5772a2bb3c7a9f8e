"""Whether speculative decoding leaves the target's law unchanged: by enumeration, on samples, and when greedy."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.floor.identity import added
from repro.floor.measurement import Numbers, measurement
from repro.inference.drawing import Drawing
from repro.inference.pair import Pair, Prompts
from repro.models.decoder import Decoder

EXACT = ("rejection", "own sample")
BROKEN = ("no residual", "arg-max draft", "one random number", "agrees with arg-max")
PLAIN, ASSISTED = "plain", "transformers"


@dataclass(frozen=True)
class Enumeration:
    """Target and draft with random laws that depend on the last two tokens.

    Fields: `rule` one of `EXACT` or `BROKEN`; `vocabulary` tokens; `length` of the strings; `drafted` tokens at a time.
    """

    rule: str
    vocabulary: int = 3
    length: int = 3
    drafted: int = 2
    drawing: Drawing = field(default_factory=Drawing)


@measurement(version=1)
def enumerate_rule(config: Enumeration, seed: int) -> Numbers:
    """Follow every way that the random choices can go, and compare each string's probability with the target's.

    `difference` is the largest of a string; `total` the sum over strings; `least_gain` the least sum of min(p, q) less
    that of p q, over the laws of both. The seed draws the laws.
    """
    from repro.inference.enumeration import enumerate_strings  # not above: spelling a configuration needs no torch

    return enumerate_strings(config, seed)


@dataclass(frozen=True)
class OnePass:
    """A decoder with its first weights, in double precision, that reads `tokens` tokens behind `held` others."""

    model: Decoder
    tokens: int = 9
    held: int = 16


@measurement(version=1)
def one_pass(config: OnePass, seed: int) -> Numbers:
    """The `difference` of a logit between one pass over several tokens and passes one by one, the largest."""
    from repro.inference.written import compare_passes

    return compare_passes(config, seed)


@dataclass(frozen=True)
class WrittenPairs:
    """Pairs of tokens written after each prompt.

    Fields: `by` a rule of verification, `PLAIN` decoding of the target, or `ASSISTED` generation of transformers;
    `samples` pairs a prompt; `batch` answers written together (assisted: one).
    """

    pair: Pair
    prompts: Prompts
    by: str
    samples: int
    drafted: int = 3
    batch: int = 500
    drawing: Drawing = field(default_factory=Drawing)
    device: str = added("cpu")


@measurement(version=1)
def write_pairs(config: WrittenPairs, seed: int) -> Numbers:
    """A G-test of the first two tokens after each prompt against the target's law, computed in whole passes.

    Lists run over the prompts. Second tokens are told apart after the 32 likeliest first ones. The seed trains the pair
    and draws the tokens.
    """
    from repro.inference.written import pairs_tested

    return pairs_tested(config, seed)


@dataclass(frozen=True)
class GreedyAnswers:
    """Answers of `length` tokens, each the likeliest, `by` the rejection rule or `ASSISTED` generation."""

    pair: Pair
    prompts: Prompts
    length: int
    by: str = "rejection"
    drafted: int = 4
    tolerance: float = 1e-4
    device: str = added("cpu")


@measurement(version=1)
def write_greedily(config: GreedyAnswers, seed: int) -> Numbers:
    """Greedy answers with a draft, beside those without, and every token beside the target's own logits.

    `identical` answers of `answers`; `likeliest` of `tokens` whose logit is at most `tolerance` below the largest of
    one whole pass; `largest_margin` how far below any token lies.
    """
    from repro.inference.written import check_greedy

    return check_greedy(config, seed)
