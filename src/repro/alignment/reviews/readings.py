"""What a policy writes, read: by gold, by a reward, and by its distance from the fine-tuned model.

Legend: N replies, T time with the prompt, R time of the reply, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from repro.alignment.methods.replies import Writer, divergence_at, sample_replies, token_log_probs, word_log_probs
from repro.alignment.reviews.configurations import Aligned
from repro.alignment.reviews.start import draw_prompts, gold_rewards, reading_generator
from repro.corpora.languages.reviews import ASKED, is_review
from repro.models.transformer import Transformer

Reward = Callable[[Tensor], Tensor]


def implied_reward(policy: nn.Module, reference: nn.Module, beta: float) -> Reward:
    """The reward that DPO's policy stands for, up to a number for each prompt: beta log(pi / pi_ref)."""

    def reward(tokens_NT: Tensor) -> Tensor:
        mine_N, theirs_N = (token_log_probs(model, tokens_NT, ASKED).sum(dim=1) for model in (policy, reference))
        return beta * (mine_N - theirs_N)

    return reward


@torch.no_grad()
def objective(
    policy: nn.Module, reference: nn.Module, reward: Reward, config: Aligned, seed: int, write: Writer
) -> float:
    """Mean reward minus beta KL of replies to training prompts: PPO's own objective, in which gold has no part."""
    generator = reading_generator(seed)
    tokens_NT = write(policy, draw_prompts(config.samples, generator), generator)
    mine_NRV, theirs_NRV = (word_log_probs(model, tokens_NT, ASKED) for model in (policy, reference))
    return float(reward(tokens_NT).mean() - config.beta * divergence_at(mine_NRV, theirs_NRV).sum(dim=1).mean())


@torch.no_grad()
def ordered_share(reward: Reward, reference: Transformer, config: Aligned, seed: int) -> float:
    """Share of pairs of replies to held-out prompts, different in gold, that a reward puts in gold's order."""
    generator = reading_generator(seed)
    asked_NT = draw_prompts(config.samples, generator, held_out=True)
    one_NT, other_NT = (sample_replies(reference, asked_NT, config.stage.reply, generator) for _ in range(2))
    return share_in_order(reward, one_NT, other_NT)


def share_in_order(reward: Reward, one_NT: Tensor, other_NT: Tensor) -> float:
    """Share of pairs of replies, different in gold, that a reward puts in gold's order."""
    gold_gap_N = gold_rewards(one_NT) - gold_rewards(other_NT)
    reward_gap_N = reward(one_NT) - reward(other_NT)
    return float(((reward_gap_N > 0) == (gold_gap_N > 0))[gold_gap_N.abs() > 1e-6].float().mean())


class Reader:
    """Numbers of what a policy writes to held-out prompts; the first policy read is the one that wins are against.

    Args:
        reward: of a policy, the reward to state as `proxy`.
        mean, spread: of that reward over the reference's replies, by which it is stated.
    """

    def __init__(
        self,
        reference: Transformer,
        config: Aligned,
        seed: int,
        reward: Callable[[nn.Module], Reward],
        *,
        mean: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        self.reference, self.config, self.seed, self.reward = reference, config, seed, reward
        self.mean, self.spread = mean, spread
        self.write = Writer(config.stage.reply)
        self.first_gold_N: Tensor | None = None

    def __call__(self, policy: nn.Module) -> dict[str, Tensor]:
        """Let the policy write, and read it."""
        generator = reading_generator(self.seed)
        asked_NT = draw_prompts(self.config.samples, generator, held_out=True)
        tokens_NT = self.write(policy, asked_NT, generator)
        mine_NRV, theirs_NRV = (word_log_probs(model, tokens_NT, ASKED) for model in (policy, self.reference))
        gold_N = gold_rewards(tokens_NT)
        if self.first_gold_N is None:
            self.first_gold_N = gold_N
        rivals_NN = (asked_NT[:, 1:] == asked_NT[:, 1]).float()
        wins_NN = (gold_N[:, None] > self.first_gold_N).float() + 0.5 * (gold_N[:, None] == self.first_gold_N)
        return {
            "gold": gold_N.mean(),
            "wins": (wins_NN * rivals_NN).sum() / rivals_NN.sum(),
            "proxy": (self.reward(policy)(tokens_NT).mean() - self.mean) / self.spread,
            "kl": divergence_at(mine_NRV, theirs_NRV).sum(dim=1).mean(),
            "entropy": -(mine_NRV.exp() * mine_NRV).sum(dim=-1).sum(dim=1).mean(),
            "valid": torch.as_tensor(is_review(tokens_NT.cpu().numpy()).mean()),
        }
