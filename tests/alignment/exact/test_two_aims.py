"""Two aims at once: the closed form of many answers and little KL, and aims that are one."""

from __future__ import annotations

import numpy as np
import pytest

from repro.alignment.exact.two_aims import YES_OR_NO, TwoAims, two_aims

MANY = {"kl": 0.02, "answers": 2000, "worlds": 2}


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.5])
def test_little_kl_and_many_answers_cost_what_the_bisector_loses(correlation):
    found = two_aims(TwoAims(correlation=correlation, **MANY), 0)

    assert np.mean(found["cost"]) == pytest.approx(1 - np.sqrt((1 + correlation) / 2), abs=0.02)


def test_one_aim_under_two_names_costs_nothing():
    assert two_aims(TwoAims(correlation=1.0, worlds=1), 0)["cost"] == pytest.approx([0], abs=1e-9)


def test_a_policy_for_one_aim_gains_all_of_it():
    found = two_aims(TwoAims(correlation=-0.5, safety=YES_OR_NO, answers=100, worlds=2), 0)

    assert (found["safe"][0], found["helpful"][-1]) == pytest.approx((1, 1))


@pytest.mark.parametrize(("given", "told"), [({"correlation": 2}, "expected -1 to 1"), ({"safety": "maybe"}, "maybe")])
def test_what_is_no_pair_of_aims_is_refused(given, told):
    with pytest.raises(ValueError, match=told):
        TwoAims(**{"correlation": 0.0, **given})
