"""What a tuning starts from, and that its seed decides it."""

from dataclasses import replace

import pytest
import torch

from repro.adaptation.tuning.configurations import PlantedUpdate, SecondLanguage, Tuning, second_language
from repro.adaptation.tuning.learning import learner, matrices, updated
from repro.adaptation.tuning.measurements import planted_update_left, second_language_losses
from repro.corpora.texts.text import HiddenMarkov, Skills
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer
from repro.quantization.normal_float import quantised
from repro.training.short import short_run

SHAPE = Decoder(vocabulary=16, width=64, layers=1, heads=2, context=8)
FIRST = HiddenMarkov(symbols=16, classes=4, tokens=3_000, test_tokens=20_000)
RUN = short_run(FIRST, 8, width=64, layers=1, steps=8, lines=4, rate=0.5)
LEARNS = Tuning(rank=2, learning_rate=1e-2, lines=4, looks=(2, 4))
TOKENS = torch.arange(8)[None]


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


def start() -> Transformer:
    torch.manual_seed(0)
    return Transformer(SHAPE).requires_grad_(False)


def test_a_tuning_is_a_function_of_its_seed_whatever_was_drawn_before():
    trials = []
    for drawn_before in (1, 2):
        torch.manual_seed(drawn_before)
        left = planted_update_left(PlantedUpdate(shape=SHAPE, tuning=LEARNS, planted=2), 0)
        trials.append((second_language_losses(SecondLanguage(run=RUN, tuning=LEARNS), 0), left))

    assert trials[0] == trials[1]


def test_every_method_begins_with_what_the_first_training_left():
    """Fresh adapters say nothing; beside a rounded base they say what the rounded base says."""
    whole, adapters = (
        second_language_losses(SecondLanguage(run=RUN, tuning=replace(LEARNS, rank=rank)), 0) for rank in (0, 2)
    )

    assert (whole["first"][0], whole["second"][0]) == (adapters["first"][0], adapters["second"][0])
    assert whole["second"][-1] != adapters["second"][-1]


def test_a_base_of_4_bits_has_the_nearest_levels_in_its_layers_matrices_and_all_else_as_it_was():
    rounded = learner(start(), 2, "nf4", 0)
    bases = [layer for layer in rounded.modules() if hasattr(layer, "base_layer")]
    twin = start()
    for matrix in matrices(twin):
        matrix.weight.data = quantised(matrix.weight).dense(torch.float32)

    assert all(
        torch.equal(ours.base_layer.weight, theirs.weight) for ours, theirs in zip(bases, matrices(twin), strict=True)
    )
    assert torch.equal(twin(TOKENS), rounded(TOKENS))
    assert torch.equal(start().embedding.weight, rounded.embedding.weight)
    assert not torch.equal(start()(TOKENS), rounded(TOKENS))


def test_a_planted_update_has_its_rank_and_its_size():
    for before, after in zip(matrices(start()), matrices(updated(start(), 3, 0.5, seed=0)), strict=True):
        update = after.weight - before.weight

        assert 3 == torch.linalg.matrix_rank(update, rtol=1e-4)
        assert 0.5 == pytest.approx((update.norm() / before.weight.norm()).item(), rel=1e-4)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="HiddenMarkov"):
        SecondLanguage(run=replace(RUN, text=Skills(vocabulary=16)), tuning=LEARNS)
    with pytest.raises(ValueError, match="rank above 0"):
        SecondLanguage(run=RUN, tuning=replace(LEARNS, rank=0), base="nf4")
    with pytest.raises(ValueError, match="growing"):
        replace(LEARNS, looks=(4, 2))


def test_the_second_language_has_the_words_of_the_first_and_a_grammar_of_its_own():
    first, second = FIRST, second_language(FIRST)

    assert (first.classes_of() == second.classes_of()).all()
    assert not (first._transitions() == second._transitions()).all()
    assert first.entropy == second.entropy
