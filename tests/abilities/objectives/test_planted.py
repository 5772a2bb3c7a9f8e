"""What is asked of models after training, on models and tables of which the answer is planted."""

import numpy as np
import pandas as pd
import pytest
import torch

from repro.abilities.objectives.configurations import ARMS, Left
from repro.abilities.objectives.estimates import (
    best_rates,
    best_way,
    faultless_over_causal,
    slower_than_causal,
    visible,
    work_of,
)
from repro.abilities.objectives.missing import hidden_loss
from repro.abilities.objectives.probing import probe_right
from repro.abilities.objectives.writing import filled, judged
from repro.corpora.languages.markov.ambiguous import Ambiguous
from repro.floor.estimate import Estimate
from repro.models.transformer import Transformer
from repro.statistics import geometric_t, paired_t, student_t
from repro.training.objectives.configurations import Fitting

LANGUAGE = Ambiguous(words=8, length=12)
FITTING = Fitting(objective=ARMS["causal"], rate=0.2, language=LANGUAGE, width=16, layers=1, steps=4, lines=8)
CONFIG = Left(fitting=FITTING, looks=(2, 4), probed=10, topics=10, drawn=50)


def runs(**columns: dict[str, list[object]]) -> pd.DataFrame:
    """A table of runs: by column, by arm, a value per seed."""
    arms = {arm: len(values) for found in columns.values() for arm, values in found.items()}
    rows = [{"arm": arm, "seed": seed, "diverged": False} for arm, seeds in arms.items() for seed in range(seeds)]
    table = pd.DataFrame(rows)
    for column, found in columns.items():
        table[column] = [
            found.get(arm, [None] * 9)[seed] for arm, seed in zip(table["arm"], table["seed"], strict=True)
        ]
    return table


def within(estimate: Estimate, low: float = -np.inf, high: float = np.inf) -> bool:
    """Whether the whole interval lies in a region."""
    return low <= estimate.low and estimate.high <= high


def test_a_probe_finds_what_states_hold_and_nothing_else():
    labels = np.random.default_rng(0).integers(6, size=600)
    told = torch.nn.functional.one_hot(torch.from_numpy(labels), 6) + 0.1 * torch.randn(600, 6)

    assert probe_right(told, labels, 300).mean() > 0.97
    assert probe_right(torch.randn(600, 6), labels, 300).mean() < 0.35


def test_faultless_lines_tell_who_cannot_write_from_who_can():
    """None of a hundred lines in any seed is an interval, not a certainty; the best way is the one that is judged."""
    causal = {"causal": [0.8, 0.75, 0.82, 0.78, 0.8]}
    none = runs(whole_left={**causal, "m": [0.0] * 5}, whole_random={"m": [0.0] * 5}, whole_gibbs={"m": [0.0] * 5})
    able = runs(whole_left={**causal, "m": [0.1] * 5}, whole_random={"m": [0.7, 0.72, 0.75, 0.74, 0.7]}, whole_gibbs={})

    assert "random" == best_way(able, "m")
    unable = student_t(faultless_over_causal(none, "m", drawn=100))
    assert within(unable, high=0.1) and unable.low < unable.high
    assert not within(student_t(faultless_over_causal(able, "m", drawn=100)), high=0.1)


def test_steps_tell_a_slower_model_from_an_equal_one():
    looks = (50, 100, 200)
    fast = [[0.5 + 0.01 * seed, 0.97, 0.99] for seed in range(5)]
    slow = [[0.3, 0.6 + 0.01 * seed, 0.99] for seed in range(5)]
    table = runs(on_the_way={"causal": fast, "slow": slow, "equal": fast[::-1]})

    def over(arm: str) -> Estimate:
        return geometric_t(slower_than_causal(table, looks, 0.95, arm))

    assert within(over("slow"), low=1.25)
    assert not within(over("equal"), low=1.25)


def test_visible_words_tell_recipes_apart():
    noise = np.array([0.0, 0.002, -0.001, 0.001, -0.002])
    table = runs(
        open={"a": list(0.98 + noise), "b": list(0.95 - noise), "c": list(0.98 - noise)},
        closed={"a": list(0.98 - noise), "b": list(0.97 + noise), "c": list(0.98 + noise)},
    )

    assert within(paired_t(visible(table, "a"), visible(table, "b") + np.arange(5) * 1e-5), low=0.005)
    assert not within(paired_t(visible(table, "a"), visible(table, "c") + np.arange(5) * 1e-5), low=0.005)


def test_the_rate_of_least_loss_is_taken_and_one_that_diverged_is_not():
    tuning = pd.DataFrame({"arm": list("aabb"), "rate": [0.1, 0.2] * 2, "loss": [2.0, 1.0, 3.0, None]})

    assert {"a": 0.2, "b": 0.1} == best_rates(tuning)


def test_a_writer_of_the_language_is_faultless_and_one_of_noise_is_not():
    lines, _, _ = LANGUAGE.draw(50, "test")
    noise = np.random.default_rng(0).integers(8, size=lines.shape)
    found = judged({"left": lines, "random": noise}, CONFIG, 0)

    assert 1.0 == found["whole_left"] == found["legal_left"]
    assert found["whole_random"] < 0.2 and found["legal_random"] < 0.9


def test_filling_in_changes_the_places_of_its_order_alone():
    model = Transformer(FITTING.model).eval()
    tokens = torch.full((4, 13), FITTING.marks.mask)
    tokens[:, 0] = FITTING.marks.start

    line = filled(model, tokens, torch.arange(1, 7).repeat(4, 1), FITTING.marks, torch.Generator().manual_seed(0))

    assert torch.equal(tokens[:, 7:], line[:, 7:]) and (line[:, 1:7] < 8).all()
    assert FITTING.marks.start == line[0, 0]


def test_models_of_spans_and_of_whole_lines_are_asked_for_the_same_words():
    """A model that finds all words alike loses ln V at each, in whichever target it stands."""
    for kind in ("spans", "whole line"):
        fitting = Fitting(objective=ARMS[kind], rate=0.2, language=LANGUAGE, width=16, layers=1, steps=4, lines=8)
        model = Transformer(fitting.model).eval()
        model.output.weight.data.zero_()
        assert np.log(fitting.marks.vocabulary) == pytest.approx(
            hidden_loss(model, Left(fitting=fitting, looks=()), 0), rel=1e-5
        )


def test_spans_cost_three_fifths_of_whole_lines_at_most():
    arms = {arm: Fitting(objective=ARMS[arm], rate=0.2, language=Ambiguous()) for arm in ("spans", "whole line")}
    flops = work_of(arms).set_index("arm")["operations, 1e9"]

    assert flops["spans"] / flops["whole line"] < 0.6
