"""DPO and PPO on a reader's own model and pairs, by a reader's own reward; or on an example written to files first."""

from __future__ import annotations

from repro.alignment.given.configurations import GivenArm
from repro.alignment.methods.configurations import METHODS
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def own_pairs(config: GivenArm, seed: int) -> Numbers:
    """What a policy writes to prompts that its training never saw, at each look; the first is the given model.

    The seed decides which prompts and pairs are held out, their order, and all draws. Lists over looks: `reward` as the
    given judge has it, `wins` how often a reply has more than the given model's to the same prompt, ties half, `kl`
    from that model in nats per reply, summed over its tokens and exact at each, `tokens` of a reply, and `valid` the
    share with at least what the worst twentieth of the given model's replies has. `losses` are its own, without the
    first look's; `look` is the best one, by `own_loss`. `ordered`: share of held-out pairs that what was learnt orders
    as the file does; `judged`: that the given judge does. `used` pairs were short enough; `seconds` of training, of
    the reward model too, looks included: CPU time, on a GPU time that passed.

    Raises:
        Diverged: a loss that is no number.
        ValueError: another method, or too few pairs that are short enough.
    """
    from repro.alignment.given.arms import arm_on_pairs, arm_on_reward, share_in_file_order
    from repro.alignment.given.tasks import Reader, Replies, Split, open_task
    from repro.alignment.methods.arms import Looks
    from repro.instruments.devices import on

    if config.method not in METHODS[:2]:
        raise ValueError(f"got method={config.method!r}; expected one of {METHODS[:2]}")
    with on(config.device):
        task = open_task(config.task, config.prompt, config.reply, config.lora, config.device)
        split = Split(task, seed)
        looks = Looks(Reader(Replies(task, config, split.asked, seed)))
        arm = arm_on_pairs if config.method == "DPO" else arm_on_reward
        losses, ordered, seconds = arm(task, config, split, looks, seed)
        return looks.numbers(losses) | {
            "ordered": ordered,
            "judged": share_in_file_order(task, split.held_out),
            "used": len(task.rows),
            "seconds": round(seconds, 2),
        }
