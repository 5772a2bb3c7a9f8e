"""What temperature, truncation and greedy choice do to text, and whether it comes out the same twice."""

from __future__ import annotations

from repro.floor.measurement import Numbers, measurement
from repro.inference.decoding.configurations import DrawingLaws, RepeatedAnswers, WrittenText


@measurement(version=1)
def check_drawings(config: DrawingLaws, seed: int) -> Numbers:
    """Entropy against temperature, and each truncation against transformers' own.

    `entropies` the mean at each temperature, in nats; `least_rise` from one to the next, of any logits;
    `slope_deviation` the largest relative one of dH/dT from Var(z) / T^3, the variance under the law itself;
    `difference` the largest of a probability; `kept` the mean number of tokens that each truncation keeps.

    Source: the slope is the heat capacity of statistical mechanics, temperature in units of energy.
    """
    from repro.inference.decoding.answers import drawings_checked

    return drawings_checked(config, seed)


@measurement(version=1)
def repeat_answers(config: RepeatedAnswers, seed: int) -> Numbers:
    """How many answers are `identical` to those written first, of `answers`; `agreed` tokens before they part."""
    from repro.inference.decoding.answers import answers_repeated

    return answers_repeated(config, seed)


@measurement(version=1)
def write_text(config: WrittenText, seed: int) -> Numbers:
    """Shares in each answer: `distinct` pairs of tokens, and 4-grams that stood in it before, `repeated`."""
    from repro.inference.decoding.answers import text_written

    return text_written(config, seed)
