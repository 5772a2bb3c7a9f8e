"""Probes of a model's states: the tag of each word, read in its place or one word later, and the topic of a line.

Legend: B lines, T words, W width, L layers, F features, N samples, C labels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from repro.abilities.objectives.configurations import Left
from repro.floor.arrays import Tokens
from repro.models.transformer import Transformer
from repro.training.objectives.fitting import let_see

RIDGE = 1e-3  # on the squares of a probe's weights, beside the mean loss in nats
ITERATIONS = 60


@torch.no_grad()
def states_of(model: Transformer, start: int, lines_BT: Tokens, *, causal: bool) -> Tensor:
    """(B, T, L, W) the stream after each block, the last after the last norm, at each word of whole lines."""
    held: list[Tensor] = []
    hooks = [block.register_forward_hook(lambda block, given, out: held.append(out)) for block in model.blocks]
    tokens_BP = np.hstack([np.full((len(lines_BT), 1), start), lines_BT])
    last = let_see(model, 0 if causal else tokens_BP.shape[1]).hidden(torch.from_numpy(tokens_BP))
    for hook in hooks:
        hook.remove()
    return torch.stack([*held[:-1], last], dim=2)[:, 1:]


def probe_right(features_NF: Tensor, labels_N: NDArray[np.int64], fitted: int) -> NDArray[np.bool_]:
    """Whether a linear probe, fitted to the first `fitted` samples, gives the label of each later one.

    A logistic regression: ridge regression, which `abilities.probing` has, cannot tell labels apart of which one lies
    between two others.
    """
    features = (features_NF - features_NF[:fitted].mean(0)) / (features_NF[:fitted].std(0) + 1e-6)
    labels = torch.from_numpy(labels_N)
    weights = torch.zeros(features.shape[1], int(labels.max()) + 1, requires_grad=True)
    bias = torch.zeros(weights.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=ITERATIONS, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        found = F.cross_entropy(features[:fitted] @ weights + bias, labels[:fitted]) + RIDGE * weights.square().sum()
        found.backward()
        return found

    optimiser.step(loss)
    with torch.no_grad():
        right: NDArray[np.bool_] = ((features[fitted:] @ weights + bias).argmax(1) == labels[fitted:]).numpy()
    return right


def tags_right(model: Transformer, config: Left, seed: int, *, later: int = 0, last: bool = False) -> dict[str, float]:
    """The share of tags that a probe reads rightly, of `open` and of `closed` words.

    Args:
        later: words after its own from whose state a tag is read.
        last: whether the last layer's states are read alone, not those of all layers beside one another.
    """
    fitting = config.fitting
    language = replace(fitting.language, seed=seed)
    lines_BT, tags_BT, _ = language.draw(2 * config.probed, "test")
    states = states_of(model, fitting.marks.start, lines_BT, causal=fitting.objective.kind == "causal")
    if last:
        states = states[:, :, -1:]
    places = slice(config.margin, language.length - config.margin)
    read = slice(config.margin + later, language.length - config.margin + later)
    words, tags = lines_BT[:, places].reshape(-1), tags_BT[:, places].reshape(-1)
    features = states[:, read].flatten(2).flatten(0, 1)
    fitted = len(words) // 2
    right, is_open = probe_right(features, tags, fitted), words[fitted:] < language.open_words
    return {"open": float(right[is_open].mean()), "closed": float(right[~is_open].mean())}


def topics_right(model: Transformer, config: Left, seed: int) -> float:
    """The share of lines whose topic a probe reads rightly from the mean of their states beside the last word's."""
    fitting = config.fitting
    language = replace(fitting.language, seed=seed)
    lines_BT, _, topics_B = language.draw(2 * config.topics, "test")
    states = states_of(model, fitting.marks.start, lines_BT, causal=fitting.objective.kind == "causal").flatten(2)
    features = torch.cat([states.mean(1), states[:, -1]], dim=1)
    return float(probe_right(features, topics_B, config.topics).mean())


def ceilings(config: Left, seed: int) -> dict[str, float]:
    """How often the best reader is right on the lines that probes are judged on; see `Ambiguous.ceilings`."""
    language = replace(config.fitting.language, seed=seed)
    lines_BT, _, _ = language.draw(2 * config.probed, "test")
    places = slice(config.margin, language.length - config.margin)
    best, is_open = language.ceilings(lines_BT), lines_BT[:, places] < language.open_words
    tags = {
        f"{side}_{name}": float(best[side][:, places][chosen].mean())
        for side in ("left", "both")
        for name, chosen in (("open", is_open), ("closed", ~is_open))
    }
    return {**tags, "topic_best": float(best["topic"].mean())}
