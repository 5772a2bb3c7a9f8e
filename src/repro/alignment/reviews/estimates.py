"""What training costs, counted."""

from __future__ import annotations

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
