"""Made-up reviews: their grammar, what they are worth, and what can be reached from a model that writes them."""

import numpy as np
import pandas as pd
import pytest

from repro.alignment.estimates import at_looks, by_level, collapsed, gaps_at_equal_kl, levels_within
from repro.alignment.methods.configurations import Effort
from repro.alignment.reviews.configurations import Aligned, Reach, Stage
from repro.alignment.reviews.estimates import passes
from repro.alignment.reviews.measurements import reachable
from repro.corpora.languages.reviews import ASKED, LOG_ODDS, WORDS, draw_reviews, gold, is_review, prompts, written

DRAWN = draw_reviews(4_000, seed=0)


def review(text: str) -> np.ndarray:
    return np.array([[0, *(WORDS.index(word) for word in text.split())]])


def test_drawn_reviews_keep_to_the_grammar_and_their_worth_is_in_its_range():
    assert is_review(DRAWN).all()
    assert -2 <= gold(DRAWN).min() and gold(DRAWN).max() <= 4
    assert 2 == pytest.approx(gold(DRAWN).mean(), abs=0.1)  # half of them feel good


def test_gold_is_the_probability_that_a_review_feels_good():
    """Of reviews with gold near 4 p a share p was written in a good mood, which the strongest words betray."""
    best, worst = (
        review("film it is very perfect i loved its end its look is great"),
        review("film it is very awful i hated its end its look is dreadful"),
    )
    odds = LOG_ODDS[best[0, ASKED:]].sum()

    assert 4 / (1 + np.exp(-odds)) == pytest.approx(gold(best)[0])
    assert gold(worst)[0] < 0.1 < 3.9 < gold(best)[0]
    assert "film it is very perfect" == written(best[0])[:23]


@pytest.mark.parametrize(
    "text",
    [
        "film it is very great it is very great i liked its end",  # an adjective twice
        "film great great great great it is very nice i liked its end",  # no sentence
        "film it is its great i liked its end its look is nice",  # one word out of place
    ],
)
def test_what_is_no_review_loses_two(text: str):
    assert not is_review(review(text))[0]
    assert gold(review(text))[0] == pytest.approx(4 / (1 + np.exp(-LOG_ODDS[review(text)].sum())) - 2)


def test_longer_reviews_keep_to_the_grammar_and_tell_as_much():
    """Gold has the mean and the spread that it has in reviews of three sentences."""
    longer = draw_reviews(4_000, seed=0, sentences=12)

    assert (4_000, ASKED + 48) == longer.shape and is_review(longer).all()
    assert 2 == pytest.approx(gold(longer).mean(), abs=0.1)
    assert gold(DRAWN).std() == pytest.approx(gold(longer).std(), abs=0.05)


def test_an_adjective_may_come_again_after_three_sentences_and_not_before():
    other = "its end is nice its look is warm"

    assert is_review(review(f"film it is very great {other} it is very great"))[0]
    assert not is_review(review("film its end is flat it is very great its look is warm it is very great"))[0]
    with pytest.raises(ValueError, match="a review of 2 sentences; expected 3 or more"):
        Stage(sentences=2)


def test_no_prompt_is_both_trained_on_and_held_out():
    trained, held = ({int(row[1]) for row in prompts(side)} for side in (False, True))

    assert set() == trained & held
    assert len(WORDS[1:21]) == len(trained | held)


def test_the_best_policy_gains_with_kl_and_best_of_n_never_has_more_of_its_objective():
    """At each beta mean gold minus beta KL is greatest for the policy that is drawn as the best."""
    betas = np.array([0.2, 1.0, 5.0])
    found = {
        name: np.array(value)
        for name, value in reachable(
            Reach(stage=Stage(width=8, layers=1, steps=20, batch=16), betas=tuple(betas)), 0
        ).items()
    }
    objective = found["best_gold"] - betas * found["best_kl"]
    of_n = found["of_n_gold"][:, None] - betas * found["of_n_kl"][:, None]

    assert (np.diff(found["best_kl"]) < 0).all() and (np.diff(found["best_gold"]) < 0).all()
    assert (of_n <= objective + 0.01).all()
    assert (np.diff(found["of_n_gold"]) > 0).all()


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="device is 'gpu', which is not here; expected cpu, or cuda"):
        reachable(Reach(stage=Stage(width=8, layers=1, steps=5, batch=16, device="gpu")), 0)


def test_passes_are_counted_by_hand():
    budget = Effort(fit_steps=10, fit_batch=4, ppo_steps=3, episodes=5)
    direct, ppo = (
        passes(Aligned(method=method, beta=0.1, learning_rate=1e-3, pairs=50, budget=budget))
        for method in ("DPO", "PPO")
    )

    assert {"pairs": 2 * 3 * 40, "reference": 100} == direct
    assert {"reward model": 240, "writing": 15, "reading": 60, "learning": 2 * 3 * 4 * 15} == ppo


def table() -> pd.DataFrame:
    """Two methods, of which PPO is planted to lie 0.5 above DPO at every KL; seed 1's PPO ends in nonsense."""
    rows = []
    for seed in (0, 1):
        for method, above in (("DPO", 0.0), ("PPO", 0.5)):
            for kl in (0.4, 2.0):
                valid = [0.9, 0.1] if (seed, method) == (1, "PPO") else [0.9, 0.8]
                rows.append(
                    {
                        "method": method,
                        "seed": seed,
                        "look": 1,
                        "kl": [0.0, kl],
                        "valid": valid,
                        "gold": [1.0, 1.0 + kl**0.5 + above],
                    }
                )
    return at_looks(pd.DataFrame(rows), ["gold", "kl", "valid"])


def test_a_planted_gap_is_found_at_equal_kl_and_levels_out_of_reach_are_left_out():
    assert [0.5, 0.5] == pytest.approx(gaps_at_equal_kl(table(), "PPO", "DPO", [1.0, 9.0]))
    with pytest.raises(ValueError, match="no level"):
        gaps_at_equal_kl(table(), "PPO", "DPO", [9.0])


def test_levels_are_shares_of_what_all_reach_and_a_planted_column_is_read_at_each():
    """Planted: DPO's gold is 1 plus the root of KL. A training that diverged changes nothing."""
    told = pd.concat([table(), pd.DataFrame({"method": ["DPO"], "seed": [0], "kl": [np.nan]})])
    levels = levels_within(told, [0.25, 0.5])
    found = by_level(told, levels, ["gold"])

    assert [0.5, 1.0] == levels
    assert [1.0 + 0.5**0.5, 2.0] == pytest.approx(list(found[found["method"] == "DPO"]["value"]))
    assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()


def test_a_collapse_is_counted_and_a_training_that_diverged_is_one():
    told = table()
    lost = pd.DataFrame({"valid": [np.nan], "look": [np.nan]})

    assert [False] * 6 + [True] * 2 == list(collapsed(told))
    assert [True] == list(collapsed(at_looks(lost, ["valid"])))
