"""Fewer key-value heads: what a conversion keeps, and that a second run begins where the first ended."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from repro.corpora.texts.text import Skills
from repro.floor.measurement import Diverged
from repro.models.counting import parameters, with_equal_parameters
from repro.models.decoder import Decoder
from repro.models.fewer_heads import with_fewer_heads
from repro.models.transformer import Transformer
from repro.training.configurations import Pretraining, Uptraining
from repro.training.measurements import pretrain, uptrain

SHAPE = Decoder(vocabulary=16, width=24, layers=2, heads=4, context=16)
FIRST = Pretraining(
    model=SHAPE,
    text=Skills(vocabulary=16, digits=2, tokens=60_000, test_tokens=4_000),
    readings=(16_384,),
    batch=256,
    learning_rate=0.02,
    warmup=1_024,
    test_tokens=2_048,
)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))


def logits(model: Transformer) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.arange(16)[None])


@pytest.mark.parametrize("kv_heads", [1, 2])
@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_heads_that_are_alike_pool_without_a_change(kv_heads, pooling):
    """Neighbours of a group made equal: sharing one of them changes no logit. Grouped otherwise, it would."""
    torch.manual_seed(0)
    model = Transformer(SHAPE)
    with torch.no_grad():
        for block in model.blocks:
            for part in (block.attention.key, block.attention.value):
                heads = part.weight.view(kv_heads, 4 // kv_heads, SHAPE.head_width, SHAPE.width)
                heads.copy_(heads[:, :1].expand_as(heads).clone())

    torch.testing.assert_close(logits(model), logits(with_fewer_heads(model, kv_heads, pooling)))


def test_pooling_as_many_heads_as_there_are_changes_nothing_unless_they_are_drawn():
    torch.manual_seed(0)
    model = Transformer(SHAPE)

    assert torch.equal(logits(model), logits(with_fewer_heads(model, 4, "mean")))
    assert not torch.allclose(logits(model), logits(with_fewer_heads(model, 4, "random")), atol=0.1)
    with pytest.raises(ValueError, match="divisor of 4"):
        with_fewer_heads(model, 3, "mean")


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_a_wider_feed_forward_part_makes_up_for_the_heads(kv_heads):
    """24 x 6 x 2 x (4 - kv_heads) numbers saved, 3 x 24 a unit: a whole number of units."""
    assert parameters(SHAPE).total == parameters(with_equal_parameters(SHAPE, kv_heads)).total


def test_the_second_run_begins_where_the_first_ended():
    first = pretrain.function(FIRST, 3)
    control = Uptraining(start=FIRST, kv_heads=4)
    untouched = uptrain.function(control, 3)
    shared = uptrain.function(dataclasses.replace(control, kv_heads=1, tokens=4_096), 3)

    assert pytest.approx(first["final_loss"], abs=1e-6) == untouched["converted_loss"] == untouched["final_loss"]
    assert shared["converted_loss"] > first["final_loss"] + 0.01
    assert shared["final_loss"] < shared["converted_loss"]
    assert 4_096 == shared["tokens_read"]
    with pytest.raises(ValueError, match="less than a batch"):
        dataclasses.replace(control, tokens=100)


def test_second_runs_in_one_program_are_the_second_runs_alone():
    """Two ways of pooling, two rates, two seeds; a first run that explodes ends its second run alone."""
    one = Uptraining(start=FIRST, kv_heads=1, tokens=2_048)
    wild = dataclasses.replace(one, start=dataclasses.replace(FIRST, learning_rate=1e30))
    configs, seeds = [one, dataclasses.replace(one, pooling="first", rate=0.5), wild], [3, 4, 3]

    *together, exploded = uptrain.all_together(configs, seeds)

    assert isinstance(exploded, Diverged)
    for config, seed, numbers in zip(configs, seeds, together, strict=False):
        assert pytest.approx(uptrain(config, seed), abs=1e-4) == numbers
