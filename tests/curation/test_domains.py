"""Dialects share what they should, packages keep apart, and loss, hedge and calibration are what they say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from repro.corpora.languages.hidden_markov import HiddenMarkov
from repro.corpora.languages.markov.dialects import Dialects
from repro.corpora.texts.environment import EnvironmentDiffers
from repro.corpora.texts.manifest import manifest
from repro.corpora.texts.near_duplicates import shingles
from repro.corpora.texts.packages import packages
from repro.curation.domains.configurations import Mixing
from repro.curation.domains.trials import calibration_error, hedged_loss, places_of
from repro.statistics import geometric_t, paired_t
from repro.training.short import short_run

LANGUAGE = HiddenMarkov(classes=4, symbols=16, tokens=4_000, test_tokens=4_000)


def test_dialects_share_classes_and_not_grammar():
    """The control without sharing has classes of its own."""
    mix = Dialects(language=LANGUAGE, count=2)
    near, strange = (mix.dialect(1, shared=shared) for shared in (True, False))

    assert (LANGUAGE.classes_of() == near.classes_of()).all()
    assert (LANGUAGE.classes_of() != strange.classes_of()).any()
    assert len(mix.draw("train")) == LANGUAGE.tokens
    assert (mix.draw("train")[:2_000] == replace(LANGUAGE, tokens=2_000).draw("train")).all()
    assert LANGUAGE.irreducible(16) == pytest.approx(near.irreducible(16), abs=0.1)


def test_the_domain_left_out_is_in_no_mix():
    run = short_run(Dialects(language=LANGUAGE, count=1), 16, width=16, layers=1, steps=2, lines=2, rate=0.3)
    text = packages("python-small", ("click", "jedi", "rich", "typer"), (), tokens=1_000, test_tokens=1_000)
    trials = [Mixing(run=replace(run, text=text), domains=count).run_of(3).text for count in (1, 3)]

    assert trials[0].test == trials[1].test
    assert trials[0].train == trials[1].train[:1] == trials[0].test[:1]
    assert trials[0].test[1] not in trials[1].train
    assert list(places_of(Mixing(run=run, domains=1).run_of(3).text, 100)) == ["home", "near", "strange"]


def test_no_training_document_of_packages_is_a_near_copy_of_a_test_document():
    text = packages("python-small", ("rich", "click"), ("rich",), tokens=20_000, test_tokens=10_000)
    try:
        train, test = (bytes(text.draw(split).astype(np.uint8)) for split in ("train", "test"))
    except EnvironmentDiffers as error:
        pytest.skip(str(error))
    seen = set().union(*(shingles(each.decode(errors="replace")).tolist() for each in test.split(b"\0")[:-1]))

    assert (len(train), len(test)) == (20_000, 10_000)
    for each in train.split(b"\0")[:-1]:
        own = set(shingles(each.decode(errors="replace")).tolist())
        assert len(own & seen) < 0.5 * len(own)
    with pytest.raises(ValueError, match="has no packages"):
        packages("python-small", ("nothing",), (), tokens=1, test_tokens=0).draw("train")
    with pytest.raises(EnvironmentDiffers, match="is asked for"):
        replace(text, sha256=manifest("python-source").sha256).draw("train")


def test_a_hedge_takes_away_what_too_much_trust_costs():
    """A sure model that is wrong as often as chance has it knows nothing: ln V is left."""
    rng = np.random.default_rng(0)
    sure = np.where(rng.random(40_000) < 1 / 16, 0.99, 0.01 / 15)
    right = np.full(1_000, 0.5)

    assert -np.log(sure).mean() > 5
    assert hedged_loss(sure, 16) == pytest.approx(math.log(16), abs=0.01)
    assert hedged_loss(right, 16) == pytest.approx(math.log(2), abs=0.02)


def test_calibration_tells_a_sure_model_from_one_that_knows_its_limits():
    """The ratio that judges a shift is 1 where nothing shifts, and far from 1 where trust is misplaced."""
    ratios: dict[str, list[float]] = {"same": [], "shifted": []}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.3, 0.95, 20_000)
        own, again, shifted = (rng.random(20_000) < confidence * factor for factor in (0.9, 0.9, 0.5))
        home = calibration_error(confidence, own)
        ratios["same"].append(calibration_error(confidence, again) / home)
        ratios["shifted"].append(calibration_error(confidence, shifted) / home)

    assert geometric_t(ratios["same"]).high < 1.2
    assert geometric_t(ratios["shifted"]).low > 1.2


def test_a_gain_by_hedging_alone_is_not_taken_for_knowledge():
    """Planted: the mix is only less sure; and: it knows more. The difference of hedged losses tells them apart."""
    gains: dict[str, list[float]] = {"less sure": [], "knows": []}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        came = rng.random(20_000) < 1 / 8
        one = hedged_loss(np.where(came, 0.9, 0.1 / 7), 8)
        gains["less sure"].append(one - hedged_loss(np.where(came, 0.3, 0.1), 8))
        gains["knows"].append(one - hedged_loss(np.where(rng.random(20_000) < 0.5, 0.4, 0.1), 8))

    control = gains["less sure"]
    assert paired_t(gains["knows"], control).low > 0.02
    assert paired_t(control, control[::-1]).high < 0.02
