"""What is measured of reuse: tokens not read again, questions not asked again, and answers of a cheaper model."""

from __future__ import annotations

from repro.floor.measurement import Numbers, measurement
from repro.inference.serving.paging import BlockPool
from repro.inference.serving.reuse.calls import drawn_calls
from repro.inference.serving.reuse.configurations import CallCache, Questions, Routing
from repro.inference.serving.reuse.prefixes import PrefixTree, WholeCalls, served
from repro.inference.serving.reuse.questions import cache_curve


@measurement(version=1)
def found_again(config: CallCache, seed: int) -> Numbers:
    """The share of prompt tokens `found` in what is kept of earlier calls, and calls `unkept` for want of room."""
    calls = drawn_calls(config.calls, seed)
    slots = config.room * sum(len(call.prompt) + len(call.answer) for call in calls)
    pool = BlockPool(max(1, int(slots / config.block)), config.block)
    store = PrefixTree(pool) if config.keeps == "tree" else WholeCalls(pool)
    return dict(served(calls, store, pool))


@measurement(version=1)
def similar_answers(config: Questions, seed: int) -> Numbers:
    """The shares of questions `answered` by the cache and answered `wrong`, by threshold, and `exact` repeats alone."""
    return dict(cache_curve(config, seed))


@measurement(version=1)
def route(config: Routing, seed: int) -> Numbers:
    """Train both models, and route questions by the small one's probability of its answer; numbers as in `routed`."""
    import numpy as np
    import torch

    from repro.corpora.languages.skills import Skills
    from repro.inference.serving.reuse.routing import routed
    from repro.models.counting import matrix_parameters
    from repro.training.run import trained

    text = config.small.text
    assert isinstance(text, Skills)
    asked_nT = text.sequences()[text.law.draw(np.random.default_rng([seed, 31]), config.items)].astype(np.int64)
    right, sure = {}, {}
    for name, run in (("small", config.small), ("large", config.large)):
        model = trained(run, seed)
        with torch.no_grad():
            law_nV = (
                model(torch.from_numpy(asked_nT[:, :-1]).to(model.embedding.weight.device))[:, -1].softmax(-1).cpu()
            )
        sure[name], answer_n = law_nV.max(-1)
        right[name] = answer_n.numpy() == asked_nT[:, -1]
    cost = matrix_parameters(config.small.model) / matrix_parameters(config.large.model)
    numbers = routed(sure["small"].numpy(), right["small"], right["large"], cost=cost, points=config.points)
    return {**{name: float(number) for name, number in numbers.items()}, "cost": cost}
