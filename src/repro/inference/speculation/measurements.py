"""What is measured of speculation: exactness, passes, answers with and without a draft."""

from __future__ import annotations

from repro.floor.measurement import Numbers, measurement
from repro.inference.speculation.configurations import (
    Decoding,
    Enumeration,
    Generating,
    GreedyAnswers,
    OnePass,
    PassCosts,
    Quality,
    WrittenPairs,
)


@measurement(version=1)
def enumerate_rule(config: Enumeration, seed: int) -> Numbers:
    """Follow every way that the random choices can go, and compare each string's probability with the target's.

    `difference` is the largest of a string; `total` the sum over strings; `least_gain` the least sum of min(p, q) less
    that of p q, over the laws of both. The seed draws the laws.
    """
    from repro.inference.speculation.enumeration import enumerate_strings

    return enumerate_strings(config, seed)


@measurement(version=1)
def one_pass(config: OnePass, seed: int) -> Numbers:
    """The `difference` of a logit between one pass over several tokens and passes one by one, the largest."""
    from repro.inference.speculation.written import compare_passes

    return compare_passes(config, seed)


@measurement(version=1)
def write_pairs(config: WrittenPairs, seed: int) -> Numbers:
    """A G-test of the first two tokens after each prompt against the target's law, computed in whole passes.

    Lists run over the prompts. Second tokens are told apart after the 32 likeliest first ones. The seed trains the pair
    and draws the tokens.
    """
    from repro.inference.speculation.written import pairs_tested

    return pairs_tested(config, seed)


@measurement(version=1)
def write_greedily(config: GreedyAnswers, seed: int) -> Numbers:
    """Greedy answers with a draft, beside those without, and every token beside the target's own logits.

    `identical` answers of `answers`; `likeliest` of `tokens` whose logit is at most `tolerance` below the largest of
    one whole pass; `largest_margin` how far below any token lies.
    """
    from repro.inference.speculation.written import check_greedy

    return check_greedy(config, seed)


@measurement(version=2, alone=True)
def time_passes(config: PassCosts, seed: int) -> Numbers:
    """Milliseconds of each, the median over rounds in which all take turns; see `turns.take_turns`.

    `passes` over 1, 2, ... tokens, logits alone, and `verification` each over that of one; `eight_over_one` round by
    round. With the choice of tokens at temperature 1: `settled` over 1, 2, ... tokens, of which one is a plain step and
    more verify a draft, and `draft` a draft's step; `verified` and `cost` are these over a plain step. One thread.

    Raises:
        ValueError: a device that is not here.
    """
    from repro.inference.speculation.passes import passes_timed

    return passes_timed(config, seed)


@measurement(version=2, alone=True)
def time_decoding(config: Decoding, seed: int) -> Numbers:
    """Seconds of each batch of answers, the reading of the prompts left out: `plain` and `speculative`.

    Lists run over the batches: of the first answer of each, `tested` drafted tokens and those `accepted`, `rounds` that
    drafted as many as wanted and `tokens` they wrote; `overlap` the mean sum of min(p, q) over the places of the plain
    answers, empty where the draft is no model or the drawing greedy. `accepting` counts the rounds of all batches that
    accepted 0, 1, ... tokens. One thread.
    """
    from repro.inference.speculation.answers import decoding_timed

    return decoding_timed(config, seed)


@measurement(version=2, alone=True)
def time_generate(config: Generating, seed: int) -> Numbers:
    """Seconds of each answer, the reading of the prompt included: `plain` and `speculative`; `identical` answers."""
    from repro.inference.speculation.assisted import generate_timed

    return generate_timed(config, seed)


@measurement(version=1)
def judge_target(config: Quality, seed: int) -> Numbers:
    """Test losses of `target`, `draft` and `ngrams`, nats a token, and the mean share of `repeated` 4-grams.

    The 5-grams are counted on as many tokens of the text as the target was trained on.
    """
    from repro.inference.speculation.passes import target_judged

    return target_judged(config, seed)
