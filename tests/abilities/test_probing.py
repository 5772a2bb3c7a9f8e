"""Probes on states of which it is planted what they hold, and on models before and after training."""

from dataclasses import replace

import numpy as np
import pytest

from repro.abilities.configurations import Probing, probing, with_control
from repro.abilities.measurements import probe
from repro.abilities.probing import accuracy
from repro.corpora.languages.skills import Skills

KINDS = np.arange(64) % 8  # the class of each symbol
RNG = np.random.default_rng(0)
SYMBOLS = RNG.integers(64, size=4_000)
FIRST = np.arange(4_000) < 2_000
NAMES = RNG.normal(size=(64, 24))  # a vector a symbol that says nothing of its class
CLASSES = RNG.normal(size=(8, 24))


def shares(states: np.ndarray) -> tuple[float, float, float]:
    """Of classes seen, of classes dealt by chance, and of symbols that the probe has not seen."""
    known = SYMBOLS < 32
    dealt = np.random.default_rng(1).permutation(KINDS)[SYMBOLS]
    return (
        accuracy(states, KINDS[SYMBOLS], FIRST, ~FIRST),
        accuracy(states, dealt, FIRST, ~FIRST),
        accuracy(states, KINDS[SYMBOLS], FIRST & known, ~FIRST & ~known),
    )


def test_states_that_hold_the_class_give_it_for_symbols_never_seen():
    seen, dealt, unseen = shares(CLASSES[KINDS[SYMBOLS]] + 0.3 * RNG.normal(size=(4_000, 24)))

    assert seen > 0.95 and unseen > 0.95 and seen - dealt > 0.3


def test_states_that_hold_names_alone_pass_neither_part():
    """A probe learns the classes of names by heart, as well as classes dealt by chance, and knows no other name."""
    seen, dealt, unseen = shares(NAMES[SYMBOLS])

    assert seen > 0.4 and abs(seen - dealt) < 0.15 and unseen < 0.3


def test_states_without_anything_are_a_guess():
    assert all(share < 0.2 for share in shares(RNG.normal(size=(4_000, 24))))


def test_training_puts_the_classes_into_the_states(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path))
    config = replace(probing(4, 32, 8, width=16, layers=1, steps=150, lines=32, rate=0.6), states=4_000)
    after, before = (probe(one, 0) for one in with_control(config))

    assert after["unseen"] > before["unseen"] + 0.2 and after["states"] == before["states"]


def test_models_trained_in_one_program_hold_what_they_hold_alone(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """So few steps that rounding errors have not grown."""
    config = replace(probing(4, 32, 8, width=16, layers=1, steps=30, lines=32, rate=0.6), states=4_000)
    for arm in with_control(config):
        monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "alone"))
        alone = probe(arm, 0)
        monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "together"))
        first, other = probe.all_together([arm, arm], [0, 1])

        assert pytest.approx(alone, abs=0.01) == first != other


def test_a_text_without_classes_or_too_short_is_refused():
    config = probing(4, 16, 8, width=16, layers=1, steps=2, lines=2, rate=0.6)
    with pytest.raises(ValueError, match="expected a hidden Markov language"):
        Probing(run=replace(config.run, text=Skills()))
    with pytest.raises(ValueError, match="500000 test tokens; expected more than the 600000"):
        replace(config, states=600_000)
