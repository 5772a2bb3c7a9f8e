"""How all arms learn: each example in its turn, and never on from a loss that is no number."""

import math

import pytest
import torch

from repro.alignment.methods.optimiser import WarmAdam, batches
from repro.floor.measurement import Diverged


def test_each_epoch_reads_every_example_once_and_its_rest_opens_the_next():
    order = torch.cat(list(batches(5, 2, 5, torch.Generator().manual_seed(0))))

    assert [list(range(5))] * 2 == [sorted(epoch.tolist()) for epoch in order.split(5)]


def test_a_loss_that_is_no_number_is_a_divergence():
    with pytest.raises(Diverged, match="the loss is nan"):
        WarmAdam([torch.nn.Linear(1, 1)], 1e-3).step(torch.tensor(math.nan))
