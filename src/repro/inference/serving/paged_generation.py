"""Transformers' paged generation and its contiguous one."""

from __future__ import annotations

from typing import Any

import torch
from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from repro.inference.serving.configurations import PagedGeneration


def contiguous_texts(llama: Any, prompts: list[list[int]], new_tokens: int) -> list[list[int]]:
    """Greedy continuations of each prompt alone, by `generate`."""
    texts = []
    for prompt in prompts:
        tokens_BT = torch.tensor([prompt])
        seen_BT = torch.ones_like(tokens_BT)  # else a prompt's own token 0 would pass for padding and be hidden
        asked = {"max_new_tokens": new_tokens, "do_sample": False, "pad_token_id": 0}
        texts.append(llama.generate(tokens_BT, attention_mask=seen_BT, **asked)[0, len(prompt) :].tolist())
    return texts


def paged_texts(llama: Any, prompts: list[list[int]], config: PagedGeneration) -> list[list[int]]:
    """The same by continuous batching, whose own sizes are for a GPU's memory and take a minute to set up on a CPU.

    Raises:
        RuntimeError: a request that failed, which transformers only logs.
    """
    sizes = ContinuousBatchingConfig(
        page_size=config.page,
        num_blocks=config.pages,
        max_batch_tokens=4 * config.page,
        max_requests_per_batch=config.requests,
        use_cuda_graph=False,
        use_async_batching=False,
    )
    greedy = GenerationConfig(max_new_tokens=config.new_tokens, do_sample=False, eos_token_id=-1, pad_token_id=0)
    done = llama.generate_batch(prompts, greedy, sizes, progress_bar=False, warmup=False)
    for one in done.values():
        if one.error:
            raise RuntimeError(f"continuous batching failed at a request: {one.error}")
    by_prompt = {tuple(one.prompt_ids): list(one.generated_tokens) for one in done.values()}
    return [by_prompt[tuple(prompt)] for prompt in prompts]


def share_alike(ours: list[list[int]], theirs: list[list[int]]) -> float:
    """The share of places at which two lists of texts hold the same token, out of the longer text of each pair."""
    pairs = list(zip(ours, theirs, strict=True))
    places = sum(max(len(a), len(b)) for a, b in pairs)
    return sum(x == y for a, b in pairs for x, y in zip(a, b, strict=False)) / places
