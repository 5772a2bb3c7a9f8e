"""trl's trainers behind one door, with every default that would change the experiment set here.

On a CPU trl would compute in bfloat16 and recompute activations, which is several times slower; a tokeniser made with
`tokenizers` adds no first token unless told to; and each trainer samples, scales and penalises in its own way.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, Features, Json
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
START, END, PAD = "<s>", "</s>", "<pad>"
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """How long and how hard to train.

    beta: weight of the KL term; of the odds ratio for ORPO, of the mean log-probability for SimPO. margin: SimPO's.
    samples: replies to one prompt, for the methods that sample. reply: the most tokens of one.
    """

    learning_rate: float
    steps: int
    batch: int
    beta: float = 0.1
    margin: float = 0.0
    samples: int = 4
    reply: int = 24
    seed: int = 0


PINNED = {
    "bf16": False,
    "activation_checkpointing": False,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
    "logging_steps": 1,
    "lr_scheduler_type": "constant",
    "max_grad_norm": 1.0,
}
REFERRED = ("dpo", "ipo", "kto", "rloo", "grpo")  # methods that hold a reference
# On-policy means sampled as the policy is: all of its distribution, at temperature 1.
SAMPLED = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "num_iterations": 1}


def word_tokeniser(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """A tokeniser of one token per word, with START before each text; START, END and PAD are tokens 0, 1 and 2."""
    numbers = {word: number for number, word in enumerate([START, END, PAD, *words])}
    tokeniser = Tokenizer(models.WordLevel(numbers, unk_token=PAD))
    tokeniser.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    # without it trl trains and scores replies that nothing starts, and says nothing
    tokeniser.post_processor = processors.TemplateProcessing(single=f"{START} $A", special_tokens=[(START, 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokeniser, bos_token=START, eos_token=END, pad_token=PAD)


def train(
    method: str,
    model: PreTrainedModel,
    tokeniser: PreTrainedTokenizerFast,
    rows: Rows,
    recipe: Recipe,
    *,
    folder: Path,
    reward: Callable[..., list[float]] | None = None,
    over: Mapping[str, Any] | None = None,
    watch: Callable[[int], None] | None = None,
) -> list[dict[str, float]]:
    """Train a model in place by one of trl's methods; returns what trl logged at each step.

    Args:
        method: "sft", "reward", "dpo", "ipo", "kto", "orpo", "simpo", "rloo" or "grpo".
        rows: prompt and completion ("sft"); prompt, chosen and rejected; prompt, completion and label ("kto"); prompt.
        folder: where trl may write.
        reward: (prompts, completions, ...) -> one reward per completion, for "rloo" and "grpo".
        over: settings of trl that replace ours, to see what its own would do.
        watch: is called after each step, with its number.

    Raises:
        ValueError: no such method.
    """
    if method not in ("sft", "reward", "dpo", "ipo", "kto", "orpo", "simpo", "rloo", "grpo"):
        raise ValueError(f"got method={method!r}; expected sft, reward, dpo, ipo, kto, orpo, simpo, rloo or grpo")
    kind, config_kind, own = _parts(method, recipe)
    here = torch.get_default_device()
    given = {
        **PINNED,
        **own,
        "use_cpu": here.type == "cpu",
        "output_dir": str(folder),
        "max_steps": recipe.steps,
        "learning_rate": recipe.learning_rate,
        "per_device_train_batch_size": recipe.batch,
        "seed": recipe.seed,
        **(over or {}),
    }
    rewards = {"reward_funcs": reward} if method in ("rloo", "grpo") else {}
    if method in REFERRED:  # trl loads the reference anew from where the model came from, so it is put there first
        model.save_pretrained(folder / "reference")
        model.config._name_or_path = str(folder / "reference")
    # trl's loaders draw on the CPU, wherever the model is; and it asks transformers by a name that will be dropped
    with torch.device("cpu"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradient_checkpointing", FutureWarning)
        trainer = kind(
            model=model,
            args=config_kind(**given),
            processing_class=tokeniser,
            train_dataset=_as_they_are(rows),
            callbacks=[Watching(watch, here)] if watch else None,
            **rewards,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return [entry for entry in trainer.state.log_history if "loss" in entry]


def _as_they_are(rows: Rows) -> Dataset:
    """Rows as a data set; conversations as JSON, or a table would give each message the fields of all others."""
    talk = isinstance(rows[0].get("prompt"), list)
    return Dataset.from_list(list(rows), features=Features({name: Json() for name in rows[0]}) if talk else None)


class Watching(TrainerCallback):
    """Calls `watch` after each step, with the model in evaluation and new tensors on the experiment's device."""

    def __init__(self, watch: Callable[[int], None], device: torch.device) -> None:
        self.watch, self.device = watch, device

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """As transformers calls it."""
        given["model"].eval()
        with self.device:
            self.watch(state.global_step)
        given["model"].train()


def _parts(method: str, recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """trl's trainer, its configuration and what is particular to the method."""
    trl: Any = importlib.import_module("trl")  # its names are made on first use, which a type checker cannot see
    from trl.experimental.cpo import CPOConfig, CPOTrainer
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    preference = {"beta": recipe.beta, "disable_dropout": True}
    sampled = {**SAMPLED, "beta": recipe.beta, "num_generations": recipe.samples, "max_completion_length": recipe.reply}
    simpo = {"loss_type": "simpo", "cpo_alpha": 0.0, "simpo_gamma": recipe.margin}
    # GRPO as its paper has it, but for the KL term, which trl corrects by a ratio so that it is the objective's
    grpo = {"loss_type": "grpo", "scale_rewards": "group", "use_bias_correction_kl": True}
    table: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "sft": (trl.SFTTrainer, trl.SFTConfig, {"completion_only_loss": True}),
        "reward": (trl.RewardTrainer, trl.RewardConfig, {"disable_dropout": True}),
        "dpo": (trl.DPOTrainer, trl.DPOConfig, {**preference, "loss_type": ["sigmoid"]}),
        "ipo": (trl.DPOTrainer, trl.DPOConfig, {**preference, "loss_type": ["ipo"]}),
        "kto": (trl.KTOTrainer, trl.KTOConfig, preference),
        "orpo": (ORPOTrainer, ORPOConfig, preference),
        "simpo": (CPOTrainer, CPOConfig, {**preference, **simpo}),
        "rloo": (trl.RLOOTrainer, trl.RLOOConfig, sampled),
        "grpo": (trl.GRPOTrainer, trl.GRPOConfig, {**sampled, **grpo}),
    }
    return table[method]
