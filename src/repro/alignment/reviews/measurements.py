"""The frontier of gold reward against KL on made-up reviews: trained policies, the best there are, and best-of-n."""

from __future__ import annotations

import numpy as np

from repro.alignment.methods.configurations import METHODS
from repro.alignment.reviews.configurations import Aligned, Ordering, Reach
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def aligned_reviews(config: Aligned, seed: int) -> Numbers:
    """What a policy writes to prompts that its training never saw, at each look; the first is the fine-tuned model.

    Lists over looks: `gold`, `proxy` (the learned reward, in spreads over the fine-tuned model's replies; DPO's is its
    own, beta log(pi / pi_ref)), `wins` how often its reply has more gold than the fine-tuned model's, ties half, `kl`
    from that model and `entropy` in nats per reply, `valid` the share that keeps to the grammar. `losses` are its own,
    without the first look's; `look` is the best one, by `own_loss`; `ordered` the share of pairs of replies that the
    reward model puts in gold's order (None for DPO); `seconds` of training, of the reward model too, looks included:
    CPU time, on a GPU time that passed, which other trials on it lengthen. A GPU multiplies in TF32. Where it is
    asked for, `gold_closely` and the like are the fine-tuned model's and the best look's numbers, read once more.

    Records of DPO by adapters made before December 2026 drew the adapters' start without a seed: each is a fair draw,
    and none can be made again to the digit.

    Records of DPO by adapters made before December 2026 drew the adapters' start without a seed: each is a fair draw,
    and none can be made again to the digit.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.alignment.reviews.arms import arm_on_pairs, arm_on_reward
    from repro.instruments.devices import training_on

    if config.method not in METHODS:
        raise ValueError(f"got method={config.method!r}; expected one of {METHODS}")
    with training_on(config.stage.device):
        return arm_on_pairs(config, seed) if config.method == "DPO" else arm_on_reward(config, seed)


@measurement(version=1)
def reachable(config: Reach, seed: int) -> Numbers:
    """`gold` and `kl` of the best policy at each beta, and of the best of n replies (an upper bound on its KL).

    Best is by gold, or by the reward model that the configuration names: then this is what no reinforcement learning on
    that model can exceed under the model itself. Each is exact but for the finite number of replies that the fine-tuned
    model writes to each held-out prompt; `share` is the effective part of them after weighing, the least over prompts.

    Source: Stiennon et al. 2020 (arXiv:2009.01325), appendix G.3, for the KL of the best of n.
    """
    from repro.alignment.reviews.reach import best_of, best_policy, held_out_rewards
    from repro.instruments.devices import training_on

    with training_on(config.stage.device):
        rewards = held_out_rewards(config, seed)
    policies = [best_policy(*rewards, beta) for beta in config.betas]
    return {
        "best_gold": [gold for gold, _, _ in policies],
        "best_kl": [kl for _, kl, _ in policies],
        "share": [share for _, _, share in policies],
        "of_n_gold": [best_of(*rewards, n) for n in config.best_of],
        "of_n_kl": [float(np.log(n) - (n - 1) / n) for n in config.best_of],
    }


@measurement(version=1)
def reward_order(config: Ordering, seed: int) -> Numbers:
    """How well reward models of growing sets of pairs order replies to prompts that no pair showed: lists over `pairs`.

    `ordered`: share of pairs of the fine-tuned model's replies, different in gold, put in gold's order; a coin has 0.5.
    `loss` on its own held-out pairs, in nats, and the `step` at which it was least.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.alignment.reviews.ordering import ordered_shares, reward_model_of
    from repro.instruments.devices import training_on

    with training_on(config.stage.device):
        models = [reward_model_of(config, count, seed) for count in config.pairs]
        return {
            "ordered": ordered_shares(models, config, seed),
            "loss": [model.loss for model in models],
            "step": [model.best.step for model in models],
        }
