"""A place that no round tested has no acceptance: its row says so, and the page goes on."""

from __future__ import annotations

import pandas as pd
import pytest

from repro.inference.speculation.estimates import acceptance, by_decoder, by_drafted, untested


def trial(tested: int, *, prompts: int = 40, drafted: int = 4) -> dict[str, object]:
    """Answers of which the first `tested` prompts tested four tokens and accepted two."""
    reached = [1] * tested + [0] * (prompts - tested)
    times = {"plain": [2.0] * prompts, "speculative": [1.0] * prompts}
    counts = {"tested": 4, "accepted": 2, "rounds": 1, "tokens": 3}
    return {"drafted": drafted, **times, **{name: [each * one for each in reached] for name, one in counts.items()}}


@pytest.mark.parametrize(("tested", "told"), [(0, "0 of 40"), (19, "19 of 40"), (20, ""), (40, "")])
def test_what_is_told_needs_twenty_prompts_that_tested_a_token(tested, told):
    """With twenty of them, no resample of forty prompts is likely to hold none: (1/2)^40."""
    row = trial(tested)

    assert told in untested(pd.DataFrame([row]), 4) if told else not untested(pd.DataFrame([row]), 4)
    if not told:
        assert 0.5 == acceptance(row).value


def test_each_process_has_to_have_tested_one():
    assert "0 of 40" in untested(pd.DataFrame([trial(0, prompts=20), trial(0, prompts=20)]), 4)
    assert "20 of 40" in untested(pd.DataFrame([trial(20, prompts=20), trial(0, prompts=20)]), 4)


def test_the_row_of_a_place_never_tested_says_so_and_the_others_stand():
    """Eight tokens are never drafted for an answer of eight: the last one is the target's own."""
    table = by_drafted(pd.DataFrame([trial(40), trial(0, drafted=8)]), 0.1, [1.0] * 9)

    assert ["", "nothing is told of 8 drafted tokens"] == [note.partition(":")[0] for note in table["note"]]
    assert [2.0, 2.0] == table["speed-up"].tolist()
    assert [False, True] == table["accepted"].isna().tolist() == table["v = 1"].isna().tolist()


def test_a_draft_that_never_guesses_has_a_row_that_says_so():
    table = by_decoder(["model", "prompt lookup"], [pd.DataFrame([trial(40), trial(0)])], 8)

    assert ["", " (nothing tested)"] == table["note"].tolist()
    assert [2.0, 2.0] == table["value"].tolist()
