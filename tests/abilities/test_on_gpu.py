"""Every ability on a GPU, imitated: trained there, read there, and scored as on a CPU."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.abilities.configurations import Voting, learning, probing, recalling, translating, with_control
from repro.abilities.measurements import learn, probe, recall, translate, vote

SHAPE = {"width": 16, "layers": 1, "steps": 6, "lines": 8, "rate": 0.2}
TRIALS = {
    "addition": (learn, replace(learning("reversed addition", 2, 4, **SHAPE), items=50)),
    "rule": (learn, replace(learning("rule", 2, 5, **SHAPE), items=50)),
    "vote": (vote, Voting(learning=replace(learning("sum in steps", 3, 4, **SHAPE), items=20), samples=3)),
    "facts": (recall, replace(recalling(0.1, 16, 2, **SHAPE), questions=64)),
    "dictionaries": (translate, replace(translating(16, 2, 3, **SHAPE), items=40)),
    "states": (probe, replace(probing(4, 16, 8, **SHAPE), states=400)),
    "states before training": (probe, with_control(replace(probing(4, 16, 8, **SHAPE), states=400))[1]),
}


@pytest.mark.parametrize("name", TRIALS)
def test_an_ability_is_trained_and_read_there(gpu, name):
    """Weights kept on the way are scored on the GPU as well, and as they were when fresh."""
    measurement, config = TRIALS[name]

    first, other = measurement.all_together([config, config], [0, 1])
    launches = gpu.launches
    again = measurement(config, 0)

    assert first == again and first != other
    assert gpu.launches > launches
