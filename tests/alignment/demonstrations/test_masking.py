"""Fine-tuning on responses or on everything: what the examples say, and what each loss can and cannot see."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from repro.alignment.demonstrations.configurations import Masking
from repro.alignment.demonstrations.estimates import all_learnt
from repro.alignment.demonstrations.examples import RESPONSE, draw_examples
from repro.alignment.demonstrations.measurements import masked_tuning
from repro.corpora.languages.reviews import LOG_ODDS, SENTENCE, WORDS
from repro.statistics import paired_t

TINY = Masking(
    loss="response",
    prompt="noise",
    sentences=1,
    learning_rates=(3e-3,),
    examples=64,
    steps=4,
    batch=16,
    looks=2,
    pretraining=0,
    width=16,
    judged=40,
)


@pytest.mark.parametrize("prompt", ["text", "noise"])
def test_the_prompt_tells_the_feeling_of_the_response(prompt):
    """The log-odds of the response's words agree in sign with what the prompt says, more often than by chance."""
    drawn = draw_examples(prompt, 4, 4_000, seed=0, part=0)
    told = LOG_ODDS[drawn[:, 1]] if prompt == "noise" else LOG_ODDS[drawn[:, 1:-RESPONSE]].sum(axis=1)
    answered = LOG_ODDS[drawn[:, -RESPONSE:]].sum(axis=1)

    assert (4_000, 1 + 16 + RESPONSE) == drawn.shape
    assert np.mean((told > 0) == (answered > 0)) > 0.6


def test_noise_is_uniform_and_parts_and_seeds_differ():
    drawn = draw_examples("noise", 12, 2_000, seed=0, part=0)
    counts = np.bincount(drawn[:, 2:-RESPONSE].ravel(), minlength=len(WORDS))

    assert 0 == counts[0]
    np.testing.assert_allclose(counts[1:] / counts.sum(), 1 / (len(WORDS) - 1), atol=0.003)
    assert not np.array_equal(drawn, draw_examples("noise", 12, 2_000, seed=0, part=1))
    assert not np.array_equal(drawn, draw_examples("noise", 12, 2_000, seed=1, part=0))


@pytest.mark.parametrize("prompt", ["text", "noise"])
def test_backwards_is_the_same_sentences_from_their_last_word_to_their_first(prompt):
    """Responses alone, or prompts of text with them; noise has no order to turn."""
    plain, responses, both = (
        draw_examples(prompt, 3, 50, seed=0, part=0, backwards=which) for which in ("none", "responses", "all")
    )
    turned = plain[:, 1:].reshape(50, -1, SENTENCE)[:, :, ::-1].reshape(50, -1)

    np.testing.assert_array_equal(turned[:, -RESPONSE:], responses[:, -RESPONSE:])
    np.testing.assert_array_equal(plain[:, :-RESPONSE], responses[:, :-RESPONSE])
    np.testing.assert_array_equal(turned if prompt == "text" else responses[:, 1:], both[:, 1:])


def test_where_a_loss_taught_nothing_there_is_nothing_to_compare():
    """A planted floor: neither loss moves off the start, and the test of pairs alone calls one better by a hair."""
    start = np.array([1.331, 1.333, 1.335, 1.332, 1.330])
    floor = {"response": start - [0.001, 0.0, 0.002, 0.001, 0.0], "all": start - 0.012}
    learnt = {loss: nll - 1 for loss, nll in floor.items()}

    assert paired_t(list(floor["all"]), list(floor["response"])).high < 0
    for expected, losses in ((False, floor), (True, learnt), (False, {**learnt, "all": floor["all"]})):
        trials = pd.concat([pd.DataFrame({"untrained": start, "nll": nll}) for nll in losses.values()])
        assert expected == all_learnt(trials)
    assert not all_learnt(pd.DataFrame({"untrained": [2.0, np.nan], "nll": [1.0, np.nan]}))


def test_training_lowers_the_loss_of_unseen_responses_and_pretraining_starts_lower():
    scratch = masked_tuning(dataclasses.replace(TINY, steps=20), 0)
    pretrained = masked_tuning(dataclasses.replace(TINY, pretraining=20), 0)

    assert scratch["untrained"] == pytest.approx(np.log(len(WORDS)), abs=0.5)
    assert scratch["nll"] < scratch["untrained"]
    assert pretrained["untrained"] < scratch["untrained"] - 0.2


def test_a_loss_on_all_tokens_is_another_loss_and_one_that_is_no_number_is_said():
    assert masked_tuning(TINY, 0)["nll"] != masked_tuning(dataclasses.replace(TINY, loss="all"), 0)["nll"]
    with pytest.raises(ValueError, match="got loss='prompt'"):
        masked_tuning(dataclasses.replace(TINY, loss="prompt"), 0)
    with pytest.raises(ValueError, match="at most 12"):
        masked_tuning(dataclasses.replace(TINY, sentences=13), 0)
