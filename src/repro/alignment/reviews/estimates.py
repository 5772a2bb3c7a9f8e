"""What training costs, counted, and exact optima as points beside trained policies."""

from __future__ import annotations

import pandas as pd

from repro.alignment.methods.configurations import Settings
from repro.alignment.reviews.configurations import Aligned


def passes(config: Aligned) -> dict[str, int]:
    """Forward passes over one sentence that training takes, by their purpose; a backward pass counts as two.

    DPO reads each of its pairs once by the reference. PPO writes, reads by policy, reference, value network and reward
    model, and goes over each batch a few times with policy and value network.
    """
    pairs_read = 2 * 3 * config.budget.fit_steps * config.budget.fit_batch
    if config.method == "DPO":
        return {"pairs": pairs_read, "reference": 2 * config.pairs}
    written = config.budget.ppo_steps * config.budget.episodes
    epochs = Settings(beta=config.beta, reply=1).epochs
    rewarded = {} if "gold" in config.method else {"reward model": pairs_read}
    return {**rewarded, "writing": written, "reading": 4 * written, "learning": 2 * 3 * epochs * written}


def optimum_points(reached: pd.DataFrame, method: str) -> pd.DataFrame:
    """The exact optima of a table of `reachable`, one row per seed and beta: `kl`, `gold`, and `gold_start` at KL 0.

    Its best of the fewest must be the best of 1, which is the mean reply.
    """
    points = reached.explode(["best_kl", "best_gold"], ignore_index=True)
    numbers = {"kl": points["best_kl"].astype(float), "gold": points["best_gold"].astype(float)}
    return points[["seed"]].assign(method=method, **numbers, gold_start=points["of_n_gold"].str[0].astype(float))
