"""Transformers' paged generation beside its contiguous one and beside our paged decoder, on the same weights."""

from __future__ import annotations

from typing import Any

import torch
from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from repro.inference.serving.configurations import PagedGeneration
from repro.inference.serving.lanes import random_decoder, random_prompts, serve
from repro.inference.serving.memory import Paging, memory_of
from repro.inference.serving.traces import Request
from repro.models.llama import to_llama


def agreement(config: PagedGeneration, seed: int) -> dict[str, float]:
    """As `transformers_pages` returns it."""
    lengths = [1 + 5 * index for index in range(config.requests)]
    requests = [Request(0.0, length, config.new_tokens) for length in lengths]
    prompts = random_prompts(requests, config.model.vocabulary, seed)
    model = random_decoder(config.model, seed, dtype=torch.float64, device="cpu")
    llama: Any = to_llama(model).double()
    contiguous = [_contiguous(llama, prompt, config.new_tokens) for prompt in prompts]
    paged = _paged(llama, prompts, config)
    memory = memory_of(Paging(block=config.page), config.pages * config.page, longest=config.model.context)
    texts = serve(model, requests, prompts, memory, block=config.page).texts
    ours = [text[len(prompt) :][: config.new_tokens] for text, prompt in zip(texts, prompts, strict=True)]
    return {"same": _same(contiguous, paged), "ours": _same(contiguous, ours)}


def _contiguous(llama: Any, prompt: list[int], new_tokens: int) -> list[int]:
    tokens_BT = torch.tensor([prompt])
    seen_BT = torch.ones_like(tokens_BT)  # else a prompt's own token 0 would pass for padding and be hidden
    written = llama.generate(
        tokens_BT, attention_mask=seen_BT, max_new_tokens=new_tokens, do_sample=False, pad_token_id=0
    )
    found: list[int] = written[0, len(prompt) :].tolist()
    return found


def _paged(llama: Any, prompts: list[list[int]], config: PagedGeneration) -> list[list[int]]:
    """By continuous batching; its own sizes are for a GPU's memory and take a minute to set up on a CPU."""
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
    by_prompt = {tuple(one.prompt_ids): list(one.generated_tokens) for one in done.values()}
    return [by_prompt[tuple(prompt)] for prompt in prompts]


def _same(expected: list[list[int]], found: list[list[int]]) -> float:
    """Share of places that hold the same token, of the longer of the two."""
    pairs = [(a, b) for a, b in zip(expected, found, strict=True)]
    places = sum(max(len(a), len(b)) for a, b in pairs)
    return sum(x == y for a, b in pairs for x, y in zip(a, b, strict=False)) / places
