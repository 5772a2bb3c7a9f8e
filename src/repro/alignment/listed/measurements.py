"""DPO, PPO and relatives on a language whose sentences can be listed: what each reaches, what each of its errors costs.

Every figure is a sum over all sentences.
"""

from __future__ import annotations

from repro.alignment.listed.configurations import ARMS, CORRECTED, DRAWN_BY, ON_PAIRS, OPTIMUM, WEIGHED, Listed
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def listed_language(config: Listed, seed: int) -> Numbers:
    """What a method attains of gold, as shares of J(pi*) - J(pi_ref), where J is the mean reward minus beta KL.

    `reached` what its policy has; `model_best` what the exact optimum for its reward model has, and `own` what its
    policy has of what that optimum gains under the reward model itself (None where there is no such model).
    `gain` is the mean reward minus the reference's, `best_gain` the most that any policy at the same KL can have.
    `own_loss` chooses among learning rates; `step` is that of the best checkpoint, `losses` are of all looks; `kl` in
    nats; `to_star` the total variation from pi*; `seconds` CPU time of training, of the reward model too.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.alignment.listed.arms import arm_on_pairs, arm_on_reward, optimum_for_model

    for name, known in (("method", ARMS), ("drawn_by", DRAWN_BY), ("corrected", CORRECTED)):
        if getattr(config, name) not in known:
            raise ValueError(f"got {name}={getattr(config, name)!r}; expected one of {known}")
    if config.strength is not None and config.method not in WEIGHED:
        raise ValueError(
            f"got strength={config.strength} for {config.method}, whose weight is beta; of {WEIGHED} it is"
        )
    if config.method in ON_PAIRS:
        return arm_on_pairs(config, seed)
    return optimum_for_model(config, seed) if config.method == OPTIMUM else arm_on_reward(config, seed)
