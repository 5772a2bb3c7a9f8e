"""A run is a function of configuration and seed: however it is interrupted, shared out or read on the way."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from repro.corpora.texts.text import Skills, tokens_of
from repro.floor import places
from repro.floor.measurement import Diverged
from repro.models.decoder import Decoder
from repro.training import run as running
from repro.training.configurations import Pretraining
from repro.training.loop import Trainer
from repro.training.measurements import pretrain
from repro.training.run import run, trained
from repro.training.windows import WindowOrder, held_out

TEXT = Skills(vocabulary=16, digits=2, tokens=60_000, test_tokens=4_000)
RUN = Pretraining(
    model=Decoder(vocabulary=16, width=16, layers=1, heads=2, context=16),
    text=TEXT,
    readings=(8_192, 16_384),
    batch=256,
    learning_rate=0.02,
    warmup=1_024,
    test_tokens=2_048,
)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))


def test_training_comes_near_what_the_language_allows():
    """From a guess to within 0.2 nats of the entropy rate, known before the run."""
    numbers = run(dataclasses.replace(RUN, readings=(57_344,)), 0).numbers()

    assert math.log(16) == pytest.approx(numbers["curve_loss"][0], abs=0.6)
    assert TEXT.entropy < numbers["final_loss"] < TEXT.entropy + 0.2


def test_an_interrupted_run_resumes_bit_for_bit(monkeypatch):
    """Killed after its second checkpoint, it ends in the very same numbers and weights."""
    whole = run(RUN, 0)
    monkeypatch.setattr(running, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(running, "CHECKPOINT_STEPS", 10)
    saved = []

    def killed(self, path, facts, save=Trainer.save):
        save(self, path, facts)
        saved.append(facts["step"])
        if len(saved) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Trainer, "save", killed)
        run(RUN, 0)
    resumed = run(RUN, 0)

    assert whole.numbers() == resumed.numbers()
    for expected, found in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(expected, found)
    kept = [path.relative_to(places.checkpoints()) for path in places.checkpoints().rglob("*") if path.is_file()]
    assert [Path("weights") / f"{pretrain.key(RUN, 0)}.safetensors"] == kept  # no checkpoint is left


def test_a_run_of_seconds_writes_no_checkpoint(monkeypatch):
    """What a kill may cost is a minute, so a run that is over sooner saves its weights alone."""
    monkeypatch.setattr(Trainer, "save", lambda *_: pytest.fail("a checkpoint within the first minute"))

    run(RUN, 0)


def test_a_damaged_checkpoint_is_not_gone_on_from(monkeypatch):
    path = places.checkpoints() / "runs" / f"{pretrain.key(RUN, 0)}.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut off")

    assert run(RUN, 0).numbers() == run(RUN, 0).numbers()


def test_a_reading_on_the_way_changes_nothing_of_what_follows():
    """A branch leaves the trunk as it was, so one run serves several budgets."""
    alone = run(dataclasses.replace(RUN, readings=(16_384,)), 0).numbers()

    assert alone["loss"] == run(RUN, 0).numbers()["loss"][1:]


def test_a_decay_lowers_the_loss():
    numbers = run(RUN, 0).numbers()

    assert all(np.array(numbers["loss"]) < np.array(numbers["stable_loss"]))
    assert [round(0.8 * tokens / 256) * 256 for tokens in numbers["tokens"]] == numbers["stable_tokens"]


def test_a_batch_read_in_pieces_gives_the_whole_batchs_step(monkeypatch):
    text = tokens_of(TEXT)
    whole, pieces = Trainer(RUN, 0, text), Trainer(RUN, 0, text)
    first = whole.step(0, 0.01)
    monkeypatch.setitem(running.Trainer.step.__globals__["PASS_TOKENS"], "cpu", 64)
    in_pieces = pieces.step(0, 0.01)

    torch.testing.assert_close(first, in_pieces)
    for expected, found in zip(whole.raw.parameters(), pieces.raw.parameters(), strict=True):
        torch.testing.assert_close(expected, found, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_two_ranks_give_one_ranks_loss(monkeypatch, strategy):
    """Copied or sharded over two processes, a run reads the same losses, up to the order of sums."""
    alone = pretrain(RUN, 0)
    monkeypatch.setenv("REPRO_RANKS", "2")
    monkeypatch.setenv("REPRO_STRATEGY", strategy)

    shared = pretrain(RUN, 0)

    assert alone["loss"] == pytest.approx(shared["loss"], abs=1e-3)
    assert alone["curve_loss"][:3] == pytest.approx(shared["curve_loss"][:3], abs=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # inside torch
def test_a_compiled_step_is_the_plain_step():
    text = tokens_of(TEXT)
    plain, fused = Trainer(RUN, 0, text, compiled=False), Trainer(RUN, 0, text, compiled=True)

    for number in range(3):
        torch.testing.assert_close(plain.step(number, 0.01), fused.step(number, 0.01), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # inside torch
def test_a_step_that_was_not_compiled_is_not_recorded_as_compiled():
    """Beyond its limit of shapes torch.compile runs a function as it is written, without a word; here it is off."""
    with torch._dynamo.config.patch(disable=True):
        trainer = Trainer(RUN, 0, tokens_of(TEXT), compiled=True)
        trainer.step(0, 0.01)

    assert trainer.compiled is False


def test_a_run_that_explodes_says_so():
    """A learning rate of 50 ends as a named result, not as a number."""
    with pytest.raises(Diverged, match=r"above the|the loss is"):
        run(dataclasses.replace(RUN, learning_rate=50.0, clip=1e9), 0)


def test_a_run_that_learns_by_heart_has_not_diverged():
    """Eight windows read again and again: the test loss ends above its beginning, the training loss near zero."""
    numbers = run(dataclasses.replace(RUN, readings=(1_024, 16_384), unique=128), 0).numbers()

    assert numbers["final_loss"] > numbers["curve_loss"][0] > 10 * numbers["curve_loss"][-1]


def test_text_that_is_called_fresh_is_not_read_twice():
    """234 steps of 256 tokens are all that 60,000 hold; one more would begin anew."""
    run(dataclasses.replace(RUN, readings=(234 * 256,)), 0)

    with pytest.raises(ValueError, match="60160 fresh tokens wanted of a text that holds 60000"):
        run(dataclasses.replace(RUN, readings=(235 * 256,)), 0)


def test_weights_are_trained_once_and_then_found():
    first = trained(RUN, 0)
    kept = places.checkpoints() / "weights" / f"{pretrain.key(RUN, 0)}.safetensors"
    changed = kept.stat().st_mtime_ns

    again = trained(RUN, 0)

    assert changed == kept.stat().st_mtime_ns
    for expected, found in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(expected, found)


def test_seeds_draw_other_weights_and_another_order():
    text = tokens_of(TEXT)
    one, two = Trainer(RUN, 0, text), Trainer(RUN, 1, text)

    assert not torch.equal(one.raw.embedding.weight, two.raw.embedding.weight)
    assert not np.array_equal(one.order.batch(0, 4)[0], two.order.batch(0, 4)[0])


def test_every_epoch_reads_each_unique_window_once_in_a_new_order():
    order = WindowOrder(np.arange(1_000), time=10, seed=3, unique=200)
    first, second = (np.sort(order.batch(epoch, 20)[0], axis=0) for epoch in (0, 1))

    assert np.array_equal(first, second)
    assert not np.array_equal(order.batch(0, 20)[0], order.batch(1, 20)[0])
    inputs_BT, targets_BT = order.batch(5, 8)
    assert np.array_equal(inputs_BT + 1, targets_BT)


def test_the_held_out_windows_spread_over_the_test_text():
    inputs_BT, _ = held_out(np.arange(10_001), time=10, count=100)

    assert (10, 10) == inputs_BT.shape
    assert list(range(0, 10_000, 1_000)) == inputs_BT[:, 0].tolist()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"batch": 250}, "250 tokens is no whole number of sequences of 16"),
        ({"readings": (16_384, 8_192)}, "expected growing token counts"),
        ({"schedule": "linear"}, "schedule is 'linear'; expected one of stable-decay"),
    ],
)
def test_an_impossible_run_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(RUN, **changes)


def test_a_text_too_short_for_the_run_is_refused():
    with pytest.raises(ValueError, match="6250 windows of 16 tokens wanted from a text that holds 3749"):
        run(dataclasses.replace(RUN, unique=100_000), 0)


def test_a_model_of_another_vocabulary_is_refused():
    other = dataclasses.replace(RUN, model=Decoder(vocabulary=32, width=16, layers=1, heads=2, context=16))

    with pytest.raises(ValueError, match="the model has a vocabulary of 32, the text one of 16"):
        run(other, 0)
