"""What timed decoding steps say: ratios within a trial, and slopes of time on bytes and on tokens.

A table of steps has a row a trial and arm: seed, batch, context, kv_heads, kernel, cache, twin, milliseconds, cache_gb
and weight_gb that a step reads (GB is 10^9 bytes), bandwidth of a plain read in GB/s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from repro.attention.configurations import Arm, DecodeSteps
from repro.models.decoder import Decoder
from repro.statistics import Estimate, geometric_t

OWN = ("matmul", "enable_gqa", "packed")  # kernels that read each shared number once
LISTED = ("milliseconds", "cache_bytes", "weight_bytes")


def all_arms(heads: int, kv_heads: Sequence[int], judged: int) -> tuple[Arm, ...]:
    """Every kernel for every number of key-value heads; repeated heads for `judged`; two arms twice; grown caches.

    Where no head is shared, packing and repeating would be the fused kernel again.
    """
    arms = [
        Arm(kv_heads=number, kernel=kernel)
        for number in kv_heads
        for kernel in OWN
        if number != heads or kernel != "packed"
    ]
    twins = [Arm(kv_heads=number, twin=1) for number in (heads, judged)]
    grown = [Arm(kv_heads=number, cache="concatenated") for number in (heads, judged)]
    return (*arms, Arm(kv_heads=judged, kernel="repeated"), *twins, *grown)


def transformers_arms(heads: int, judged: int) -> tuple[Arm, ...]:
    """Transformers' Llama with either cache, with all heads and with `judged`; ours, whose logits must agree."""
    theirs = [
        Arm(kv_heads=number, kernel="transformers", cache=cache)
        for number in (heads, judged)
        for cache in ("static", "concatenated")
    ]
    return (*theirs, Arm(kv_heads=heads), Arm(kv_heads=judged))


def affordable(cells: Iterable[DecodeSteps], gigabytes: float) -> list[DecodeSteps]:
    """The cells whose cache, with a key-value head for each query head, holds at most so many GB."""
    itemsize = {"float32": 4, "bfloat16": 2}
    return [cell for cell in cells if _cache_numbers(cell.shape) * cell.batch * itemsize[cell.dtype] <= gigabytes * 1e9]


def _cache_numbers(shape: Decoder) -> int:
    return 2 * shape.layers * shape.key_value_heads * shape.head_width * shape.context


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
    """A row a trial and combination of a sweep over `attention_pass`: seed, kv_heads, kernel, twin, milliseconds."""
    listed = ["heads", "kernel", "milliseconds"]
    rows = trials[["seed", *listed]].explode(listed, ignore_index=True).rename(columns={"heads": "kv_heads"})
    return rows.astype({"kv_heads": int, "milliseconds": float}).assign(twin=0)


def of(steps: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """The rows with these values, a list meaning any of them; twins are left out unless asked for."""
    for name, value in {"twin": 0, **wanted}.items():
        steps = steps[steps[name].isin(value if isinstance(value, list | tuple) else [value])]
    return steps


def fastest(steps: pd.DataFrame, **wanted: Any) -> pd.Series[float]:
    """Milliseconds by seed of the kernel that is fastest over all seeds, among the rows of one cell with these values.

    One kernel for all seeds: the least of several noisy times, seed by seed, would favour whoever has more kernels.
    """
    found = of(steps, **wanted)
    if found.empty:
        raise ValueError(f"no timed step has {wanted}; the arms that there are: {sorted(set(steps['kernel']))}")
    by_kernel = found.pivot(index="seed", columns="kernel", values="milliseconds")
    return by_kernel[by_kernel.median().idxmin()]


def ratio(over: pd.Series[float], under: pd.Series[float], unit: str = "times") -> Estimate:
    """The geometric mean over seeds of over / under, each pair from one trial (or one seed's trials)."""
    return geometric_t(list(over / under.loc[over.index]), unit=unit)


def gain(cell: pd.DataFrame, heads: int, judged: int, *, kernel: str | Sequence[str] = OWN) -> Estimate:
    """How many times as fast as the fastest step with all heads is one with `judged`, by the fastest of `kernel`."""
    all_heads = fastest(cell, kv_heads=heads, kernel=OWN, cache="static")
    return ratio(all_heads, fastest(cell, kv_heads=judged, kernel=kernel, cache="static"))


def overstated(cell: pd.DataFrame, heads: int, judged: int, *, kernel: str) -> Estimate:
    """The gain of `judged` over all heads with a concatenated cache, over the gain with a static one."""

    def times(cache: str) -> pd.Series[float]:
        over, under = (fastest(cell, kv_heads=number, kernel=kernel, cache=cache) for number in (heads, judged))
        return over / under

    return ratio(times("concatenated"), times("static"))


def noise_floor(steps: pd.DataFrame, kv_heads: int) -> Estimate:
    """An arm's second self over its first, over all seeds and cells; 1 but for noise."""
    rows = of(steps, kv_heads=kv_heads, kernel="matmul", cache="static", twin=[0, 1])
    by_twin = rows.pivot(index=["seed", "batch", "context"], columns="twin", values="milliseconds")
    return ratio(by_twin[1], by_twin[0])


def by_cell(steps: pd.DataFrame, heads: int, judged: int) -> pd.DataFrame:
    """A row a cell: its full cache in GB, the fastest step with all heads and with `judged`, ratios of time and bytes.

    Columns batch, context, cache_gb, all_ms, few_ms, ratio, low, high, bytes_ratio.
    """
    rows = []
    for (batch, context), cell in of(steps, kernel=OWN, cache="static").groupby(["batch", "context"]):
        over, under = (fastest(cell, kv_heads=number) for number in (heads, judged))
        gigabytes = [of(cell, kv_heads=number)[["cache_gb", "weight_gb"]].iloc[0].sum() for number in (heads, judged)]
        found = ratio(over, under)
        full = of(cell, kv_heads=heads)["cache_gb"].iloc[0]
        rows.append(
            (
                batch,
                context,
                full,
                over.mean(),
                under.mean(),
                found.value,
                found.low,
                found.high,
                gigabytes[0] / gigabytes[1],
            )
        )
    names = ["batch", "context", "cache_gb", "all_ms", "few_ms", "ratio", "low", "high", "bytes_ratio"]
    return pd.DataFrame(rows, columns=names)


def by_arm(steps: pd.DataFrame) -> pd.DataFrame:
    """A row an arm of one cell: mean milliseconds, GB read, GB/s, and that over a plain read's; twins among them."""
    read = steps.assign(gb=steps["cache_gb"] + steps["weight_gb"])
    read["gb_per_second"] = 1e3 * read["gb"] / read["milliseconds"]
    read["of_plain_read"] = read["gb_per_second"] / read["bandwidth"]
    measured = ["milliseconds", "gb", "gb_per_second", "of_plain_read"]
    return read.groupby(["kv_heads", "kernel", "cache", "twin"], sort=False)[measured].mean().reset_index()


def speedups(steps: pd.DataFrame, heads: int) -> dict[str, Estimate]:
    """How many times as fast as the fastest step with all heads each arm of one cell is, by a name that tells it."""
    found = {}
    for (number, kernel, cache, twin), part in steps.groupby(["kv_heads", "kernel", "cache", "twin"], sort=False):
        told = [f"{number} heads", str(kernel), "concatenated" if cache != "static" else "", "again" if twin else ""]
        name = ", ".join(word for word in told if word)
        found[name] = ratio(fastest(steps, kv_heads=heads, kernel=OWN, cache="static"), fastest(part, twin=twin))
    return found


def slopes(steps: pd.DataFrame, x: str, *, kernel: str = "matmul") -> pd.DataFrame:
    """Milliseconds per unit of `x` (cache_gb, or tokens = batch x context), a row a seed, a column each kv_heads.

    Least squares of relative errors over all cells, with an intercept for each batch: what a step takes with an empty
    cache, weights and products of the batch.
    """
    rows = of(steps, kernel=kernel, cache="static").assign(tokens=lambda row: row["batch"] * row["context"])
    found = rows.groupby(["seed", "kv_heads"])[[x, "batch", "milliseconds"]].apply(_slope)
    return found.unstack("kv_heads")


def _slope(rows: pd.DataFrame) -> float:
    values = rows.to_numpy(dtype=float)
    batches = np.unique(values[:, 1])
    if len(values) <= len(batches):
        raise ValueError(f"{len(values)} cells of {len(batches)} batches; a slope needs a batch with two contexts")
    design = np.column_stack([values[:, 0], *(values[:, 1] == batch for batch in batches)]) / values[:, 2:]
    return float(np.linalg.lstsq(design, np.ones(len(values)))[0][0])
