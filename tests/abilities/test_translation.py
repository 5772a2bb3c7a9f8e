"""Readers of whom it is known what they can do, under the scores of the page: each part can come out false."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from repro.abilities.configurations import Translating, translating
from repro.abilities.estimates import by_pairs
from repro.abilities.measurements import translate, translation_scores
from repro.floor.measurement import Numbers

CONFIG = translating(24, 4, 5, width=8, layers=1, steps=20, lines=32, rate=0.3)
WORDS, NEW = 24, 24 * 5  # translations of the new language begin at NEW


class Reader(nn.Module):
    """One who knows the dictionaries by heart (a leak of the new one, too), or looks words up, or both."""

    def __init__(self, *, knows: bool, looks: bool) -> None:
        super().__init__()
        self.knows, self.looks, self.there = knows, looks, nn.Parameter(torch.zeros(1))

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Logits (B, T, V)."""
        logits_BTV = torch.zeros(*tokens_BT.shape, CONFIG.dictionaries.vocabulary)
        for place in range(1, tokens_BT.shape[1], 2):
            word_B = tokens_BT[:, place]
            if self.knows and place > 1:
                block_B = tokens_BT[:, place - 1] // WORDS * WORDS
                logits_BTV[:, place].scatter_(1, (block_B + word_B)[:, None], 1.0)
            for shown in range(1, place if self.looks else 0, 2):
                same_B = (tokens_BT[:, shown] == word_B).float()
                logits_BTV[:, place].scatter_add_(1, tokens_BT[:, shown + 1, None], 2 * same_B[:, None])
        return logits_BTV


def scores(*, knows: bool, looks: bool) -> Numbers:
    return translation_scores.reading(Reader(knows=knows, looks=looks), CONFIG, 0)  # type: ignore[arg-type]


def test_one_who_knows_recognises_and_cannot_look_up():
    """Of the new language's unseen words nobody has more than chance, 1 of 24 to 1 of 19."""
    found = scores(knows=True, looks=False)

    assert [1] * 5 == found["known"][1:] == found["known_again"]
    assert all(share < 0.08 for share in [*found["new"], *found["new_again"]])


def test_one_who_looks_up_knows_no_word_that_was_not_shown():
    found = scores(knows=False, looks=True)

    assert [1] * 5 == found["known_again"] == found["new_again"]
    assert all(share < 0.08 for share in [*found["known"], *found["new"]])


def test_a_leak_of_the_new_language_is_seen(monkeypatch: pytest.MonkeyPatch):
    """If the new language kept one order, one who knows it would be far above chance."""
    text = CONFIG.dictionaries
    fixed = text.asked(200, known=True) % WORDS
    fixed[:, 2::2] += NEW
    monkeypatch.setattr(type(text), "asked", lambda self, count, known: fixed)

    assert 1 == scores(knows=True, looks=False)["new"][3]


def test_a_run_alone_is_the_run_together(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path))

    alone, together = translate(CONFIG, 1), translate.all_together([CONFIG, CONFIG], [0, 1])[1]

    assert alone["known"] == pytest.approx(together["known"], abs=0.01) and 6 == len(alone["new"])


def test_each_share_has_a_row_from_the_first_pair_where_a_shown_word_is_asked():
    runs = pd.DataFrame({"seed": [0], "known": [[0.2, 1.0]], "new": [[0.0, 0.1]]})
    again = runs.rename(columns={"known": "known_again", "new": "new_again"})

    assert [0, 1, 0, 1] == list(by_pairs(runs)["pairs"])
    assert [1, 2, 1, 2] == list(by_pairs(again, "_again")["pairs"])


def test_what_is_no_text_of_dictionaries_is_refused():
    other = translating(24, 4, 3, width=8, layers=1, steps=20, lines=32, rate=0.3)
    with pytest.raises(ValueError, match="expected dictionaries, a line each"):
        Translating(run=replace(CONFIG.run, text=other.run.text))
