"""The sizes of a model as a whole: the figures of papers, and cards that really hold what they are given."""

import pytest

from repro.sizing.memory.precision import weight_format
from repro.sizing.published import published, published_model
from repro.sizing.report import CARDS, Use, cards_needed, sizes


def _use(**changes):
    return Use(**{"context": 4096, "batch": 1, "form": weight_format("bf16"), "cache_bits": 16, "rank": 16, **changes})


def test_every_published_model_can_be_sized(subtests):
    """Encoders without cache, windows, latents and mixtures; parts add up to totals."""
    for name in published():
        with subtests.test(model=name):
            found = sizes(published_model(name), _use(form=weight_format("int4")))
            for parts in (found.serving, *found.training.values()):
                assert parts["total"] == pytest.approx(sum(parts.values()) - parts["total"] - parts["per_gpu"])


def test_llama_2_70b_in_16_bits_takes_138_gb_a_cache_of_1_34_and_two_cards():
    """Touvron et al. 2023 (arXiv:2307.09288)."""
    found = sizes(published_model("llama-2-70b"), _use())

    assert 138e9 == pytest.approx(found.serving["weights"], rel=1e-3)
    assert 1_342_177_280 == found.serving["cache"]
    assert {"24 GB": 6, "80 GB": 2} == found.serving_cards


def test_qlora_trains_65_billion_parameters_on_one_card_of_48_gb():
    """Dettmers et al. 2023 (arXiv:2305.14314), at its context of 512 tokens and rank 64, batches of 1."""
    found = sizes(published_model("llama-65b"), _use(context=512, rank=64))

    assert found.training["qlora"]["total"] < 48 * 2**30 < found.training["lora"]["total"]
    assert 1 == found.training_cards["qlora"]["80 GB"]


@pytest.mark.parametrize(
    ("spread", "each", "memory", "cards"), [(100, 1, 26, 4), (101, 1, 26, 5), (0, 1, 2, 1), (1, 2, 2, None)]
)
def test_cards_hold_their_share_and_one_fewer_would_not(spread, each, memory, cards):
    """What is spread and what every card needs for itself."""
    assert cards == cards_needed(spread, each, memory)


def test_a_card_of_24_gb_is_one_of_gib():
    """Makers count memory in powers of two."""
    assert 24 * 2**30 == CARDS["24 GB"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, "batch is 0; expected at least 1"),
        ({"recompute": "some"}, "recompute is 'some'; expected"),
    ],
)
def test_a_use_without_meaning_is_refused(changes, message):
    """With what was got."""
    with pytest.raises(ValueError, match=message):
        _use(**changes)
