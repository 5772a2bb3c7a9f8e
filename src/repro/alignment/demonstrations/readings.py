"""DPO's formula against trl's loss, and the tokens that supervised fine-tuning learns from.

The models are random and tiny, since each answer is exact for any model. Legend: B batch, T time, V vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from repro.alignment.demonstrations.configurations import RandomPairs
from repro.alignment.methods.library import Recipe, train, word_tokeniser
from repro.alignment.methods.losses import dpo_loss, reply_log_probs


def random_rows(config: RandomPairs, seed: int) -> tuple[Any, list[dict[str, str]]]:
    """A tokeniser of made-up words, and pairs of random ones: prompt, chosen and rejected."""
    words = [f"w{number}" for number in range(config.words)]
    rng = np.random.default_rng([seed, 5])
    drawn = rng.choice(words, (config.pairs, config.prompt + 2 * config.reply))
    cuts = (0, config.prompt, config.prompt + config.reply, config.prompt + 2 * config.reply)
    prompt, chosen, rejected = ([" ".join(row[a:b]) for row in drawn] for a, b in pairwise(cuts))
    rows = [
        {"prompt": p, "chosen": f" {c}", "rejected": f" {r}"} for p, c, r in zip(prompt, chosen, rejected, strict=True)
    ]
    return word_tokeniser(words), rows


def random_llama(config: RandomPairs, seed: int) -> LlamaForCausalLM:
    """A Llama with large random weights, so that no gradient is small by chance."""
    torch.manual_seed(seed)
    shape = LlamaConfig(
        vocab_size=config.words + 3,
        hidden_size=config.width,
        intermediate_size=config.width,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
        initializer_range=0.5,
    )
    return LlamaForCausalLM(shape)


def _encoded(tokeniser: Any, rows: list[dict[str, str]], side: str, prompt: int) -> tuple[Tensor, Tensor]:
    """(B, T) tokens of start, prompt, reply and end, and the mask of the reply with its end."""
    tokens_BT = torch.tensor([[*tokeniser(row["prompt"] + row[side])["input_ids"], 1] for row in rows])
    mask_BT = torch.zeros_like(tokens_BT)
    mask_BT[:, 1 + prompt :] = 1
    return tokens_BT, mask_BT


def dpo_readings(
    config: RandomPairs, seed: int, tokeniser: Any, rows: list[dict[str, str]], folder: Path
) -> dict[str, float]:
    """Our formula and trl's loss, before the first step and after it."""
    recipe = Recipe(1e-2, steps=1, batch=config.pairs, beta=config.beta)
    start, moved = random_llama(config, seed), random_llama(config, seed)
    train("dpo", moved, tokeniser, rows, recipe, folder=folder)
    logged = train("dpo", random_llama(config, seed), tokeniser, rows, replace(recipe, steps=2), folder=folder)
    ratios = []
    for side in ("chosen", "rejected"):
        tokens_BT, mask_BT = _encoded(tokeniser, rows, side, config.prompt)
        with torch.no_grad():
            policy_B = reply_log_probs(lambda t: moved(t).logits, tokens_BT, mask_BT)
            reference_B = reply_log_probs(lambda t: start(t).logits, tokens_BT, mask_BT)
        ratios.append(policy_B - reference_B)
    first = float(dpo_loss(0 * ratios[0], 0 * ratios[1], beta=config.beta))
    second = float(dpo_loss(*ratios, beta=config.beta))
    errors = {"dpo_first_error": logged[0]["loss"] - first, "dpo_second_error": logged[1]["loss"] - second}
    return {"dpo_first": first, **{name: _rounded(error) for name, error in errors.items()}}


def sft_readings(
    config: RandomPairs, seed: int, tokeniser: Any, rows: list[dict[str, str]], folder: Path
) -> dict[str, float]:
    """trl's loss by kind of data set, and where the gradient of the reply's loss goes."""
    still, own = Recipe(0.0, steps=1, batch=config.pairs), {"completion_only_loss": None}  # None is trl's default
    pairs = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in rows]
    texts = [{"text": row["prompt"] + row["chosen"]} for row in rows]
    logged = [
        train("sft", random_llama(config, seed), tokeniser, data, still, folder=folder, over=own)[0]["loss"]
        for data in (pairs, texts)
    ]
    tokens_BT, mask_BT = _encoded(tokeniser, rows, "chosen", config.prompt)
    model = random_llama(config, seed).double()
    stream_BTW = model.get_input_embeddings()(tokens_BT).detach().requires_grad_()
    logits_BTV = model(inputs_embeds=stream_BTW).logits

    def reply_loss(logits: Tensor) -> Tensor:
        labels_BT = tokens_BT.masked_fill(mask_BT == 0, -100)
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels_BT[:, 1:].flatten())

    loss = reply_loss(logits_BTV)
    (gradient_BTW,) = torch.autograd.grad(loss, stream_BTW, retain_graph=True)
    norm_BT = gradient_BTW.norm(dim=2)[:, :-1]  # the last token is read by nothing
    changed_BTV = logits_BTV.detach().clone()
    changed_BTV[:, : config.prompt] += torch.randn_like(changed_BTV[:, : config.prompt])
    at_reply = norm_BT[:, 1 + config.prompt :].mean()
    return {
        "sft_pairs": _rounded(logged[0] - loss.item()),
        "sft_text": _rounded(logged[1] - loss.item()),
        "prompt_logits": (reply_loss(changed_BTV) - loss).item(),
        "prompt_gradient": float(norm_BT[:, 1 : 1 + config.prompt].mean() / at_reply),
        "least_prompt_gradient": float(norm_BT[:, 1 : 1 + config.prompt].min() / at_reply),
    }


def _rounded(difference: float) -> float:
    return round(difference, 5) + 0.0  # below are the last digits of float32, which differ between machines
