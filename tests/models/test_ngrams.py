"""A table of n-grams: its laws are laws, they agree with its losses, and a source without memory teaches it none."""

from __future__ import annotations

import numpy as np
import pytest

from repro.models.ngrams import NGrams

rng = np.random.default_rng(0)


def test_every_law_adds_up_to_one_and_gives_the_losses():
    tokens = rng.integers(7, size=3_000)
    tokens[1::2] = (tokens[::2] * 3 + 1) % 7  # so that every other token follows from the one before
    table, text = NGrams(tokens[:2_000], vocabulary=7, order=3), tokens[2_000:]

    laws = [table.law(text[at - 2 : at].tolist()) for at in range(2, len(text))]

    np.testing.assert_allclose(1, np.sum(laws, axis=1))
    np.testing.assert_allclose(
        table.nats(text), [-np.log(one[token]) for one, token in zip(laws, text[2:], strict=True)]
    )


def test_memory_pays_on_a_text_that_has_it_and_on_no_other():
    steps = np.cumsum(rng.integers(1, 3, size=20_000)) % 10  # one of two tokens follows each
    even = rng.integers(10, size=20_000)

    assert np.log(2) == pytest.approx(NGrams(steps, vocabulary=10, order=3).nats(steps[-5_000:]).mean(), rel=0.02)
    assert NGrams(even[:10_000], vocabulary=10, order=3).nats(even[10_000:]).mean() > 0.995 * np.log(10)


def test_grams_too_many_to_number_are_refused():
    with pytest.raises(ValueError, match="below 2\\^63"):
        NGrams(np.zeros(10, dtype=int), vocabulary=50_000, order=5)
