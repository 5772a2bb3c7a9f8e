"""Training on a GPU, imitated: what a step is there, and that nothing else changes by it.

Products are rounded to bfloat16 there, so losses are near those of a CPU and not equal; what graphs do is exact.
"""

from __future__ import annotations

import dataclasses
import gc
import weakref

import pytest
import torch
from accelerate.state import AcceleratorState

from repro.corpora.texts.text import Skills, tokens_of
from repro.models.decoder import Decoder
from repro.training import ensemble, loop
from repro.training import run as running
from repro.training.configurations import Pretraining, Uptraining
from repro.training.ensemble import Ensemble, run_together
from repro.training.loop import Trainer
from repro.training.measurements import pretrain, uptrain
from repro.training.run import run, trained

TEXT = Skills(vocabulary=16, digits=2, tokens=60_000, test_tokens=4_000)
RUN = Pretraining(
    model=Decoder(vocabulary=16, width=16, layers=1, heads=2, context=16),
    text=TEXT,
    readings=(2_048, 4_096),
    batch=256,
    learning_rate=0.02,
    warmup=1_024,
    test_tokens=1_024,
)
STEPS = 18  # of the trunk and of both branches
RATE = 0.01


@pytest.fixture
def no_graphs(monkeypatch):
    """A call makes every step that follows one without a graph."""

    def make():
        for module in (ensemble, loop):
            monkeypatch.setattr(module, "capture", lambda work: (work(), (work, None))[1])

    return make


def losses(run) -> list[float]:
    return [*run.progress.loss, *run.progress.stable_loss, *run.progress.curve_loss]


def test_steps_as_graphs_are_the_steps_themselves(gpu, no_graphs):
    """To the last digit, alone and together, through two branches and back."""
    alone, together = run(RUN, 0), run_together([RUN, RUN], [0, 1])
    assert 2 * (STEPS - 1) == gpu.graph_replays
    no_graphs()

    plainly = [run(RUN, 0), *run_together([RUN, RUN], [0, 1])]

    assert [losses(one) for one in plainly] == [losses(one) for one in (alone, *together)]
    assert plainly[1].progress.loss == pytest.approx(alone.progress.loss, abs=0.01)


def test_a_step_is_a_handful_of_launches(gpu):
    """Its places, its learning rates and the graph: what a small model would otherwise spend most of its time on."""
    text, steps = tokens_of(TEXT), 5
    alone, many = Trainer(RUN, 0, text), Ensemble(RUN, range(3), text)
    for step in (lambda number: alone.step(number, RATE), lambda number: many.step(number, [RATE] * 3)):
        step(0)
        gpu.reset()
        for number in range(1, 1 + steps):
            step(number)

        assert gpu.graph_replays == steps and gpu.launches <= 4 * steps


def test_on_a_gpu_runs_learn_what_they_learn_on_a_cpu(gpu):
    """The first losses differ by rounding alone; what a measurement hands back has the same names."""
    there = pretrain(RUN, 0)
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.MonkeyPatch.context() as elsewhere:  # undone before the GPU goes
        elsewhere.setattr(torch.cuda, "is_available", lambda: False)
        here = pretrain(RUN, 0)

    assert set(here) == set(there) and there["compiled"] is False
    assert here["curve_loss"][:4] == pytest.approx(there["curve_loss"][:4], abs=0.02)
    assert here["loss"] == pytest.approx(there["loss"], abs=0.05)


def test_an_interrupted_run_resumes_bit_for_bit_on_a_gpu(gpu, monkeypatch):
    whole = run(RUN, 0)
    monkeypatch.setattr(running, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(running, "CHECKPOINT_STEPS", 4)

    def killed(self, path, facts, save=Trainer.save):
        save(self, path, facts)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Trainer, "save", killed)
        run(RUN, 0)
    resumed = run(RUN, 0)

    assert whole.numbers() == resumed.numbers()


def test_a_run_leaves_no_graph_behind(gpu, monkeypatch):
    """Its memory, gigabytes of a large model, is free when the next run begins, whenever garbage is collected."""
    graphs = []

    def noted(work, capture=loop.capture):
        replay, result = capture(work)
        graphs.append(weakref.ref(replay.__self__))
        return replay, result

    for module in (ensemble, loop):
        monkeypatch.setattr(module, "capture", noted)
    gc.disable()
    try:
        run(RUN, 0)
        run_together([RUN], [0])
        left = [graph() for graph in graphs]
    finally:
        gc.enable()

    assert [None, None] == left


def test_models_are_given_out_where_runs_train(gpu):
    """Trained now or read from its weights, the same model with the same logits, in the precision of its weights."""
    now, kept = trained(RUN, 0), trained(RUN, 0)
    tokens_BT = torch.arange(16, device="cuda")[None]

    assert {"cuda"} == {p.device.type for model in (now, kept) for p in model.parameters()}
    assert torch.equal(now(tokens_BT), kept(tokens_BT)) and torch.float32 == now(tokens_BT).dtype


def test_second_runs_together_are_second_runs_alone_on_a_gpu(gpu):
    one = Uptraining(start=RUN, kv_heads=1, tokens=1_024)
    configs = [one, dataclasses.replace(one, pooling="first")]

    together = uptrain.all_together(configs, [0, 0])

    assert together == [pytest.approx(uptrain(config, 0), abs=0.01) for config in configs]
