"""What timed decoding steps say: ratios within a trial, and slopes of time on bytes and on tokens.

A table of steps has a row per trial and arm: seed, batch, context, kv_heads, kernel, cache, twin, milliseconds,
cache_gb and weight_gb that a step reads (GB is 10^9 bytes), bandwidth of a plain read in GB/s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from repro.attention.configurations import OWN
from repro.statistics import Estimate, geometric_t

LISTED = ("milliseconds", "cache_bytes", "weight_bytes")


def steps_table(trials: pd.DataFrame) -> pd.DataFrame:
    """The table of steps of a sweep over `decode_steps`."""
    rows = []
    for trial in trials.to_dict("records"):
        shared = {
            "seed": trial["seed"],
            "batch": trial["batch"],
            "context": trial["shape.context"],
            "bandwidth": trial["gigabytes_per_second"],
        }
        for arm, step, cache, weights in zip(trial["arms"], *(trial[name] for name in LISTED), strict=True):
            read = {"milliseconds": step, "cache_gb": cache / 1e9, "weight_gb": weights / 1e9}
            rows.append({**shared, **vars(arm), **read})
    return pd.DataFrame(rows)


def passes_table(trials: pd.DataFrame) -> pd.DataFrame:
    """A row per trial and combination of a sweep over `attention_pass`: seed, kv_heads, kernel, twin, milliseconds."""
    listed = ["heads", "kernel", "milliseconds"]
    rows = trials[["seed", *listed]].explode(listed, ignore_index=True).rename(columns={"heads": "kv_heads"})
    return rows.astype({"kv_heads": int, "milliseconds": float}).assign(twin=0)


def rows_with(steps: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """The rows with these values, a list meaning any of them; twins are left out unless asked for."""
    for name, value in {"twin": 0, **wanted}.items():
        steps = steps[steps[name].isin(value if isinstance(value, list | tuple) else [value])]
    return steps


def fastest(steps: pd.DataFrame, **wanted: Any) -> pd.Series[float]:
    """Milliseconds by seed of the kernel with the least median, among the rows of one cell with these values.

    One kernel stands for all seeds: the least of several noisy times, seed by seed, would favour an arm with more.
    """
    rows = rows_with(steps, **wanted)
    if rows.empty:
        raise ValueError(f"no timed step has {wanted}; the arms that there are: {sorted(set(steps['kernel']))}")
    by_kernel = rows.pivot(index="seed", columns="kernel", values="milliseconds")
    return by_kernel[by_kernel.median().idxmin()]


def ratio(over: pd.Series[float], under: pd.Series[float], unit: str = "times") -> Estimate:
    """The geometric mean over seeds of `over` / `under`, each pair from one trial (or one seed's trials)."""
    return geometric_t(list(over / under.loc[over.index]), unit=unit)


def gain(cell: pd.DataFrame, heads: int, judged: int, *, kernel: str | Sequence[str] = OWN) -> Estimate:
    """The time of the fastest step with all heads over that of the fastest with `judged` by one of `kernel`."""
    all_heads = fastest(cell, kv_heads=heads, kernel=OWN, cache="static")
    return ratio(all_heads, fastest(cell, kv_heads=judged, kernel=kernel, cache="static"))


def overstatement(cell: pd.DataFrame, heads: int, judged: int, *, kernel: str) -> Estimate:
    """The gain of `judged` over all heads with a concatenated cache, over the gain with a static one."""

    def times(cache: str) -> pd.Series[float]:
        over, under = (fastest(cell, kv_heads=number, kernel=kernel, cache=cache) for number in (heads, judged))
        return over / under

    return ratio(times("concatenated"), times("static"))


def noise_floor(steps: pd.DataFrame, kv_heads: int) -> Estimate:
    """The time of an arm's twin over its own, over all seeds and cells: 1 but for noise."""
    rows = rows_with(steps, kv_heads=kv_heads, kernel="matmul", cache="static", twin=[0, 1])
    by_twin = rows.pivot(index=["seed", "batch", "context"], columns="twin", values="milliseconds")
    return ratio(by_twin[1], by_twin[0])


def by_cell(steps: pd.DataFrame, heads: int, judged: int) -> pd.DataFrame:
    """The fastest step with all heads and with `judged`, a row per cell, with the ratios of their time and bytes.

    Columns batch, context, cache_gb (of all heads), all_ms, few_ms, ratio, low, high, bytes_ratio.
    """
    rows = []
    for (batch, context), cell in rows_with(steps, kernel=OWN, cache="static").groupby(["batch", "context"]):
        over, under = (fastest(cell, kv_heads=number) for number in (heads, judged))
        read = [rows_with(cell, kv_heads=number)[["cache_gb", "weight_gb"]].iloc[0] for number in (heads, judged)]
        times = ratio(over, under)
        rows.append(
            {
                "batch": batch,
                "context": context,
                "cache_gb": read[0]["cache_gb"],
                "all_ms": over.mean(),
                "few_ms": under.mean(),
                "ratio": times.value,
                "low": times.low,
                "high": times.high,
                "bytes_ratio": read[0].sum() / read[1].sum(),
            }
        )
    return pd.DataFrame(rows)


def by_arm(steps: pd.DataFrame) -> pd.DataFrame:
    """Mean milliseconds, GB read, GB/s, and that over a plain read's, a row per arm of one cell, twins among them."""
    read = steps.assign(gb=steps["cache_gb"] + steps["weight_gb"])
    read["gb_per_second"] = 1e3 * read["gb"] / read["milliseconds"]
    read["of_plain_read"] = read["gb_per_second"] / read["bandwidth"]
    measured = ["milliseconds", "gb", "gb_per_second", "of_plain_read"]
    return read.groupby(["kv_heads", "kernel", "cache", "twin"], sort=False)[measured].mean().reset_index()


def speedups(steps: pd.DataFrame, heads: int) -> dict[str, Estimate]:
    """The time of the fastest step with all heads over that of each arm of one cell, by the arm's name in words."""
    gains = {}
    all_heads = fastest(steps, kv_heads=heads, kernel=OWN, cache="static")
    for (number, kernel, cache, twin), part in steps.groupby(["kv_heads", "kernel", "cache", "twin"], sort=False):
        words = [f"{number} heads", str(kernel), "concatenated" if cache != "static" else "", "again" if twin else ""]
        gains[", ".join(filter(None, words))] = ratio(all_heads, fastest(part, twin=twin))
    return gains


def slopes(steps: pd.DataFrame, x: str, *, kernel: str = "matmul") -> pd.DataFrame:
    """Milliseconds per unit of `x` (cache_gb, or tokens = batch x context), a row per seed, a column per kv_heads.

    Least squares of relative errors over all cells, with an intercept for each batch: what a step takes with an empty
    cache, weights and products of the batch.
    """
    rows = rows_with(steps, kernel=kernel, cache="static").assign(tokens=lambda row: row["batch"] * row["context"])
    by_arm = rows.groupby(["seed", "kv_heads"])[[x, "batch", "milliseconds"]]
    return by_arm.apply(_slope).unstack("kv_heads")


def _slope(rows: pd.DataFrame) -> float:
    values = rows.to_numpy(dtype=float)
    batches = np.unique(values[:, 1])
    if len(values) <= len(batches):
        raise ValueError(f"{len(values)} cells of {len(batches)} batches; a slope needs a batch with two contexts")
    design = np.column_stack([values[:, 0], *(values[:, 1] == batch for batch in batches)]) / values[:, 2:]
    return float(np.linalg.lstsq(design, np.ones(len(values)))[0][0])
