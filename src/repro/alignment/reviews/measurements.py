"""The frontier of gold reward against KL on made-up reviews: trained policies, the best there are, and best-of-n."""

from __future__ import annotations

from repro.alignment.methods.configurations import METHODS
from repro.alignment.reviews.configurations import Aligned, Reach
from repro.floor.measurement import Diverged, Numbers, measurement


@measurement(version=1)
def aligned_reviews(config: Aligned, seed: int) -> Numbers:
    """What a policy writes to prompts that its training never saw, at each look; the first is the fine-tuned model.

    Lists over looks: `gold`, `proxy` (the learned reward, in spreads over the fine-tuned model's replies; DPO's is its
    own, beta log(pi / pi_ref)), `wins` how often its reply has more gold than the fine-tuned model's, ties half, `kl`
    from that model and `entropy` in nats a reply, `valid` the share that keeps to the grammar. `losses` are its own,
    without the first look's; `look` is the one kept, by `own_loss`; `ordered` the share of pairs of replies that the
    reward model puts in gold's order (None for DPO); `seconds` CPU time of training, of the reward model too, looks
    included.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.alignment.reviews.arms import trained

    if config.method not in METHODS:
        raise ValueError(f"got method={config.method!r}; expected one of {METHODS}")
    try:
        return trained(config, seed)
    except FloatingPointError as error:
        raise Diverged(str(error)) from None


@measurement(version=1)
def reachable(config: Reach, seed: int) -> Numbers:
    """`gold` and `kl` of the best policy at each beta, and of the best of n replies (an upper bound on its KL).

    Each is exact but for the finite number of replies that the fine-tuned model writes to each held-out prompt; `share`
    is the effective part of them after weighing, the least over prompts.

    Source: Stiennon et al. 2020 (arXiv:2009.01325), appendix G.3, for the KL of the best of n.
    """
    from repro.alignment.reviews.arms import reach

    return reach(config, seed)
