"""Identity: equal values spell alike, unequal ones do not, and what has no single spelling is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.floor.identity import added, key, rebuild, renamed, spell


@dataclass(frozen=True)
class Tuned:
    steps: int = 10
    rate: float = 0.1


@dataclass(frozen=True)
class Aligned:
    start: Tuned
    beta: float = 0.1
    sizes: tuple[int, ...] = (1, 2)
    name: str | None = None
    clip: float = added(default=0.2)


def test_equal_values_share_a_key():
    assert key("f", 1, Tuned(steps=1, rate=1.0), 0) == key("f", 1, Tuned(rate=1, steps=1), 0)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_keys_are_equal_exactly_when_values_are(one, other):
    same_key = key("f", 1, Tuned(rate=one), 0) == key("f", 1, Tuned(rate=other), 0)

    assert (one == other) == same_key


def test_everything_that_could_change_a_result_changes_the_key():
    base = Aligned(Tuned())
    keys = [
        key("f", 1, base, 0),
        key("g", 1, base, 0),
        key("f", 2, base, 0),
        key("f", 1, base, 1),
        key("f", 1, Aligned(Tuned(), beta=0.2), 0),
        key("f", 1, Aligned(Tuned(steps=11)), 0),  # the lineage counts
        key("f", 1, Aligned(Tuned(), clip=0.3), 0),
    ]

    assert len(keys) == len(set(keys))


def test_true_is_not_one():
    assert key("f", 1, Aligned(Tuned(), name=None), 0) != key("f", 1, Aligned(Tuned(), name=True), 0)


def test_an_added_field_at_its_default_leaves_old_keys_alone():
    assert "clip" not in spell(Aligned(Tuned()))
    assert 0.3 == spell(Aligned(Tuned(), clip=0.3))["clip"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), len, Path("x"), {1, 2}, object(), {1: 2}])
def test_what_has_no_single_spelling_is_refused(value):
    with pytest.raises((TypeError, ValueError), match=r"cannot be part|no fixed spelling|names a field"):
        spell(value)


def test_a_spelled_configuration_rebuilds_itself():
    config = Aligned(Tuned(steps=3), beta=1.0, sizes=(4, 5), name="x", clip=0.5)

    assert config == rebuild(Aligned, spell(config))


def test_a_configuration_of_another_day_is_refused_by_name():
    spelled = spell(Aligned(Tuned()))
    with pytest.raises(ValueError, match=r"no field.*gamma"):
        rebuild(Aligned, {**spelled, "gamma": 1})
    with pytest.raises(ValueError, match="beta"):
        rebuild(Aligned, {name: value for name, value in spelled.items() if name != "beta"})


@dataclass(frozen=True)
class Effort:
    """Once called Budget, its field `looks` once `again`."""

    spelled: ClassVar = "Budget"
    steps: int = 10
    looks: int = renamed(2, spelled="again")


def test_a_renamed_class_or_field_finds_its_old_records():
    """A better name in the code leaves every key alone."""
    old = {"is": "Budget", "again": 2, "steps": 10}

    assert old == spell(Effort())
    assert Effort(looks=3) == rebuild(Effort, {**old, "again": 3})
    with pytest.raises(ValueError, match="not Budget"):
        rebuild(Effort, {**old, "is": "Effort"})
