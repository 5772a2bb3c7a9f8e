"""Measurements: plain numbers out, frozen configurations in, one name each."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from repro.floor.measurement import Diverged, find, measurement


@dataclass(frozen=True)
class Dose:
    amount: float = 1.0


@measurement(version=1)
def respond(config: Dose, seed: int) -> dict[str, float]:
    if config.amount > 10:
        raise Diverged("too much")
    return {"response": float("nan") if config.amount < 0 else config.amount + seed}


def test_a_measurement_measures_and_is_found_by_name():
    assert {"response": 3.0} == respond(Dose(1.0), 2)
    assert respond is find("respond", __name__)


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError, match="response is nan"):
        respond(Dose(-1.0), 0)


def test_divergence_has_a_name():
    with pytest.raises(Diverged, match="too much"):
        respond(Dose(11.0), 0)


def test_another_configuration_is_refused():
    with pytest.raises(TypeError, match="takes a Dose"):
        respond({"amount": 1.0}, 0)


def test_an_unfrozen_configuration_is_refused():
    @dataclass
    class Loose:
        amount: float = 1.0

    def spill(config, seed):
        return {}

    spill.__annotations__ = {"config": Loose, "seed": int}
    with pytest.raises(TypeError, match="must be frozen"):
        measurement(version=1)(spill)
