"""Loss against answers, in worlds where it is known what decides them."""

import os

import numpy as np
import pandas as pd
import pytest

from repro.abilities.answers import concordance, equal_loss_effects, models_table, share_following
from repro.abilities.configurations import Answers, PlantedAnswers
from repro.abilities.measurements import answers_by_loss
from repro.abilities.planted import MOVED
from repro.abilities.tables import answers_of, named_answers


def found(world: str):
    """The record of a planted world."""
    return answers_by_loss(Answers(source=PlantedAnswers(world=world)), 0)


def test_where_the_loss_alone_decides_it_ranks_models_and_nothing_else_moves_them():
    models = models_table(found("law"))
    size, text = equal_loss_effects(models, resamples=250).values()

    assert 1 == share_following(found("law")).value
    assert concordance(models).low > 0.9
    assert concordance(models, within=0.1).low > 0.6
    assert -0.05 < size.low and size.high < 0.05
    assert -0.05 < text.low and text.high < 0.05


def test_where_nothing_relates_them_loss_ranks_no_better_than_a_coin():
    models = models_table(found("unrelated"))

    assert share_following(found("unrelated")).value < 0.05
    assert concordance(models).low < 0.5 < concordance(models).high


@pytest.mark.parametrize(("world", "place"), [("size", 0), ("text", 1)])
def test_what_was_planted_beside_the_loss_is_found(world: str, place: int):
    effect = list(equal_loss_effects(models_table(found(world)), resamples=250).values())[place]

    assert effect.low > 0.15
    assert effect.low < MOVED < effect.high


def test_pairs_are_of_one_text_and_equal_scores_count_half():
    models = pd.DataFrame({"text": list("aab"), "N": 1e8, "loss": [3.0, 3.5, 1.0], "score": [0.5, 0.5, 0.1]})
    assert 0.5 == pytest.approx(concordance(pd.concat([models] * 10), seed=1).value)
    with pytest.raises(ValueError, match="differ by at most"):
        concordance(models, within=0.1)


def test_a_readers_own_models_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path))
    path, n = tmp_path / "mine.csv", 30
    loss = np.linspace(2, 4, n)
    pd.DataFrame({"text": "web", "N": 1e8, "loss": loss, "quiz": 1 / loss, "luck": [0.1, 0.2] * 15}).to_csv(path)
    with pytest.raises(ValueError, match="expected planted, public"):
        named_answers("mine")
    pd.read_csv(path, usecols=["N", "loss"]).to_csv(path.with_name("bad.csv"), index=False)
    with pytest.raises(ValueError, match=r"lacks the columns \['text'\]"):
        named_answers(str(path.with_name("bad.csv")))
    pd.read_csv(path).drop(columns="Unnamed: 0").to_csv(path, index=False)
    [mine] = named_answers(str(path)).values()

    record = answers_by_loss(mine, 0)

    assert ["quiz", "luck"] == record["tasks"]
    assert 1 == record["kendall"][0]


@pytest.mark.skipif(not os.environ.get("REPRO_DATA"), reason="no public tables: REPRO_DATA is unset")
def test_the_public_tables_give_each_model_its_loss_and_scores():
    """A 3B model of ten times Chinchilla's tokens has the ladder's lowest loss; the widest of Gadre et al. theirs."""
    gadre, ladder = (answers_of(models, 0) for models in named_answers("public").values())

    assert (104, 3 + 46) == gadre.shape and gadre.notna().all(axis=None)
    assert 30 == len(ladder) and 13 == len(ladder.columns) - 3
    for models in (gadre, ladder):
        best = models.loc[models["loss"].idxmin()]
        assert best["N"] == models["N"].max()
        assert best["arc_easy"] > 0.6
