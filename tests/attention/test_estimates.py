"""What timed steps say, on planted times whose truth is known: once true and once false."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.attention.configurations import DecodeSteps, affordable, all_arms
from repro.attention.estimates import (
    by_arm,
    by_cell,
    fastest,
    gain,
    noise_floor,
    overstatement,
    passes_table,
    ratio,
    slopes,
    speedups,
    steps_table,
)
from repro.bookkeeping.ledger import judge, load_chapter
from repro.floor import places
from repro.floor.scale import Scale
from repro.models.decoder import Decoder

SHAPE = Decoder(vocabulary=4096, width=512, layers=6, heads=8, context=4096)
CLAIMS = load_chapter(places.experiments() / "gqa" / "claims.toml")
BYTES, TOKENS = "gqa-faster-decode-bytes", "mqa-complexity-step-time"


def planted(per_gb: float, per_token: float, seeds: int = 5) -> pd.DataFrame:
    """Steps of 10 ms a batch, and so much more for each GB of the cache and each token, with noise of 2 %."""
    drawn, rows = np.random.default_rng(0), []
    for seed in range(seeds):
        for batch, context in ((1, 256), (1, 4096), (1, 16384), (8, 256), (8, 4096)):
            for arm in all_arms(8, [8, 2, 1], 2):
                gigabytes = 2 * 6 * 64 * 4 * arm.kv_heads * batch * context / 1e9
                milliseconds = 10 + batch + per_gb * gigabytes + per_token * batch * context
                rows.append(
                    {
                        "seed": seed,
                        "batch": batch,
                        "context": context,
                        **vars(arm),
                        "cache_gb": gigabytes,
                        "weight_gb": 0.08,
                        "bandwidth": 10.0,
                        "milliseconds": milliseconds * drawn.normal(1, 0.02),
                    }
                )
    return pd.DataFrame(rows)


def verdict(claim: str, estimate) -> str:
    return str(judge(CLAIMS[claim], estimate, Scale.CPU, scope="planted", declared=True).outcome)


@pytest.mark.parametrize(
    "per_gb, per_token, on_bytes, on_tokens",
    [(100, 0, "supported", "supported"), (0, 2e-3, "refuted", "refuted"), (100, 2e-3, "refuted", "refuted")],
)
def test_slopes_tell_a_step_that_waits_for_bytes_from_one_that_waits_for_tokens(per_gb, per_token, on_bytes, on_tokens):
    steps = planted(per_gb, per_token)
    by_bytes, by_tokens = slopes(steps, "cache_gb"), slopes(steps, "tokens")

    assert on_bytes == verdict(BYTES, ratio(by_bytes[2], by_bytes[8]))
    assert on_tokens == verdict(TOKENS, ratio(by_tokens[8], by_tokens[1]))


def test_a_slope_needs_a_batch_with_two_contexts():
    steps = planted(100, 0)
    with pytest.raises(ValueError, match="2 cells of 2 batches"):
        slopes(steps[steps["context"] == 256], "cache_gb")


def test_the_same_arm_against_itself_is_one_and_noise_alone_is_no_gain():
    cell = planted(0, 0).query("batch == 8 and context == 4096")
    found = speedups(cell, 8)

    assert found["8 heads, matmul, again"].low < 1 < found["8 heads, matmul, again"].high
    assert noise_floor(planted(100, 0), 8).low < 1 < noise_floor(planted(100, 0), 8).high
    assert "refuted" == verdict("gqa-faster-decode-long", gain(cell, 8, 2))
    assert "supported" == verdict("gqa-faster-decode-concatenated", overstatement(cell, 8, 2, kernel="matmul"))


def test_a_copy_at_each_step_that_costs_by_the_byte_overstates_the_gain():
    steps = planted(100, 0).query("batch == 8 and context == 4096")
    copied = steps["cache"] == "concatenated"
    steps = steps.assign(milliseconds=steps["milliseconds"] + 800 * copied * steps["cache_gb"])

    assert "supported" == verdict("gqa-faster-decode-long", gain(steps, 8, 2))
    assert "refuted" == verdict("gqa-faster-decode-concatenated", overstatement(steps, 8, 2, kernel="matmul"))


def test_one_kernel_stands_for_all_seeds():
    """Else the arm with more kernels would win by picking the luckiest each time."""
    times = {"matmul": [1.0, 1.2, 1.1], "packed": [3.0, 1.1, 3.0]}
    rows = [(seed, kernel, ms) for kernel, column in times.items() for seed, ms in enumerate(column)]
    steps = pd.DataFrame(rows, columns=["seed", "kernel", "milliseconds"]).assign(twin=0)

    assert [1.0, 1.2, 1.1] == list(fastest(steps))
    with pytest.raises(ValueError, match="no timed step has"):
        fastest(steps, kernel="repeated")


def test_cells_and_arms_are_read_off_the_trials():
    arms = all_arms(8, [8, 1], 1)
    listed = {"milliseconds": 20.0, "cache_bytes": 1e8, "weight_bytes": 1e8}
    trial = {"seed": 0, "batch": 2, "shape.context": 64, "gigabytes_per_second": 10.0, "arms": arms}
    trial |= {name: [value] * len(arms) for name, value in listed.items()}
    steps = steps_table(pd.DataFrame([trial, {**trial, "seed": 1}]))
    cell = by_cell(steps, 8, 1).iloc[0]

    assert 2 * len(arms) == len(steps)
    assert [10.0] * len(arms) == list(by_arm(steps)["gb_per_second"])
    assert [1.0] * len(arms) == list(by_arm(steps)["of_plain_read"])
    assert (2, 64, 0.1, 1, 1) == (cell["batch"], cell["context"], cell["cache_gb"], cell["ratio"], cell["bytes_ratio"])


def test_passes_become_rows():
    trials = pd.DataFrame(
        [{"seed": seed, "heads": [8, 1], "kernel": ["enable_gqa"] * 2, "milliseconds": [2.0, 1.0]} for seed in (3, 4)]
    )
    passes = passes_table(trials)

    assert 2 == pytest.approx(ratio(fastest(passes, kv_heads=8), fastest(passes, kv_heads=1)).value)


def test_a_cell_is_left_out_where_its_cache_is_too_large():
    cells = [DecodeSteps(shape=SHAPE, batch=batch, arms=()) for batch in (1, 8)]

    assert [1] == [cell.batch for cell in affordable(cells, 0.5)]  # 0.1 and 0.8 GB
