"""Bytes of a step against the calculators, and what the page would say if a claim were false."""

import dataclasses

import pandas as pd
import pytest
import torch

from repro.adaptation import estimates as step_law
from repro.adaptation.configurations import OneStep
from repro.adaptation.layers import Adapted
from repro.adaptation.measurements import one_step
from repro.adaptation.steps import start_model, step
from repro.models.decoder import Decoder
from repro.sizing.memory.cache import GB
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import published_model

SHAPE = Decoder(
    vocabulary=64, width=128, layers=1, heads=4, hidden=384, context=32, tied=False
)  # scales fill whole blocks
STEP = OneStep(shape=SHAPE, rank=2, tokens=16)


@pytest.fixture(scope="module")
def measured():
    return one_step(STEP, 0)


def state(numbers):
    return step_law.measured_state(pd.DataFrame([numbers]))[0]


@pytest.mark.parametrize(
    ("base", "trained"),
    [("nf4", "float32"), ("random nf4", "bfloat16"), ("bfloat16", "bfloat16"), ("", "float32")],
)
def test_states_are_what_the_calculators_say(base, trained):
    """Whatever the base; seven matrices keep the mean of their scales besides."""
    config = dataclasses.replace(STEP, base=base, rank=2 if base else 0, trained=trained)

    assert pytest.approx(step_law.state_bytes(config), rel=1e-12) == state(one_step(config, 0)) - 28 * ("nf4" in base)


@pytest.mark.parametrize("base", ["nf4", "random nf4", "bfloat16", ""])
def test_a_gpu_s_counters_say_what_the_events_of_a_cpu_do(gpu, base):
    """What is stored to the byte, what stays up to single numbers, and the peak but for what kernels pass."""
    config = dataclasses.replace(STEP, base=base, rank=2 if base else 0)
    ours, theirs = (one_step(dataclasses.replace(config, device=device), 0) for device in ("cpu", "cuda"))
    stored = ["matrix_bytes", "weight_bytes", "trained_bytes", "gradient_bytes", "moment_bytes"]

    assert [ours[name] for name in stored] == [theirs[name] for name in stored]
    assert ours["alive"] == pytest.approx(theirs["alive"], abs=512)
    assert ours["peak"] == pytest.approx(theirs["peak"], rel=0.3)


def test_a_step_keeps_codes_and_no_weights(measured):
    """Kept weights show as 16 bits each, but for the one matrix that is unpacked anyway."""
    bare = dataclasses.replace(STEP, shape=dataclasses.replace(SHAPE, layers=4), recomputed=False)
    codes, kept = (one_step(config, 0) for config in (bare, dataclasses.replace(bare, keeps=True)))

    assert kept["peak"] - codes["peak"] > 1.5 * codes["matrices"]
    assert measured["peak"] >= measured["alive"] >= state(measured)


def test_full_training_keeps_more(measured):
    full = one_step(dataclasses.replace(STEP, base="", rank=0), 0)

    assert state(full) > 8 * state(measured)


def test_only_adapters_move():
    """A step changes each adapter's second matrix (the first has no gradient while that is zero), and no code."""
    model = start_model(STEP, 0)
    layers = [part for part in model.modules() if isinstance(part, Adapted)]
    codes = [part.stored.packed.clone() for part in layers]
    learns = [part for part in model.parameters() if part.requires_grad]
    tokens = torch.randint(64, (1, 17), generator=torch.Generator().manual_seed(0))
    step(model, torch.optim.AdamW(learns, lr=1e-3), tokens, recomputed=True)

    assert 7 == len(layers) and 14 == len(learns)
    assert all(part.up.abs().max() > 0 for part in layers)
    assert all(torch.equal(before, part.stored.packed) for before, part in zip(codes, layers, strict=True))


def test_the_large_model_is_the_published_one():
    shape = step_law.published_shape("llama-65b")
    lean, heavy = step_law.steps_of(shape, 512, "cuda", "random nf4")

    assert count_parameters(published_model("llama-65b")).total == count_parameters(step_law.sized(shape)).total
    assert (64, 64) == (lean.rank, heavy.rank)
    assert step_law.state_bytes(lean) < 42 * GB < step_law.state_bytes(heavy)


def test_a_16_bit_base_would_not_be_foretold_to_fit():
    """The rule that judges the peak refuses what does not fit."""
    shape = step_law.published_shape("llama-65b")
    [lean, _] = step_law.steps_of(shape, 512, "cuda")
    [lora, _] = step_law.steps_of(shape, 512, "cuda", "bfloat16")

    assert step_law.foretold_peak(lean, 1.0) < 48 * GB < 130 * GB < step_law.foretold_peak(lora, 1.0)


@pytest.mark.parametrize("wrong", [{"base": "int4"}, {"rank": 0}, {"base": "", "rank": 4}, {"tokens": 33}])
def test_what_cannot_be_measured_is_refused(wrong):
    with pytest.raises(ValueError):
        dataclasses.replace(STEP, **wrong)
