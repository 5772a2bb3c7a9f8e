"""DPO and PPO on a reader's own model and pairs, by a reader's own reward; or on an example written to files first."""

from __future__ import annotations

from repro.alignment.given.configurations import Owned
from repro.alignment.methods.configurations import METHODS
from repro.floor.measurement import Diverged, Numbers, measurement


@measurement(version=1)
def own_pairs(config: Owned, seed: int) -> Numbers:
    """What a policy writes to prompts that its training never saw, at each look; the first is the given model.

    The seed decides which prompts and pairs are held out, their order, and all draws. Lists over looks: `reward` as the
    given judge has it, `wins` how often a reply has more than the given model's to the same prompt, ties half, `kl`
    from that model in nats a reply, summed over its tokens and exact at each, `tokens` of a reply, and `valid` the
    share with at least what the worst twentieth of the given model's replies has. `losses` are its own, without the
    first look's; `look` is the one kept, by `own_loss`. `ordered`: share of held-out pairs that what was learnt orders
    as the file does; `judged`: that the given judge does. `used` pairs were short enough; `seconds` CPU time of
    training, of the reward model too, looks included.

    Raises:
        Diverged: a loss that is no number.
        ValueError: another method, or too few pairs that are short enough.
    """
    from repro.alignment.given.arms import trained

    if config.method not in METHODS[:2]:
        raise ValueError(f"got method={config.method!r}; expected one of {METHODS[:2]}")
    try:
        return trained(config, seed)
    except FloatingPointError as error:
        raise Diverged(str(error)) from None
