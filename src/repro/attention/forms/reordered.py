"""The same attention by another order of sums: in tiles, by features, and as a recurrence.

T time, S time of keys, D width of a head. Everything is causal and in double precision.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.attention.forms.configurations import Reordered

DECAY = 0.9  # of retention, per token


def difference(config: Reordered, seed: int) -> dict[str, float]:
    """The numbers of `reordered_attention`."""
    generator = torch.Generator().manual_seed(seed)
    size = (3, config.tokens, config.head_width)
    query_TD, key_TD, value_TD = torch.randn(size, dtype=torch.float64, generator=generator)
    query_TD = query_TD * config.spread  # scores of this deviation after the division by the root of the width
    kind, _, way = config.form.partition(", ")
    if kind.startswith("tiles"):
        defined, other = softmax(query_TD, key_TD, value_TD), in_tiles(query_TD, key_TD, value_TD, config)
    elif kind == "softmax":  # what holds of features alone
        defined, other = softmax(query_TD, key_TD, value_TD), recurrent(query_TD.exp(), key_TD.exp(), value_TD, 1.0)
    elif kind == "linear":
        features = positive(query_TD), positive(key_TD)
        defined = by_weights(*features, value_TD, 1.0)
        other = (recurrent if way == "recurrent" else reordered)(*features, value_TD, 1.0)
    else:
        defined = by_weights(query_TD, key_TD, value_TD, DECAY, normal=False)
        other = recurrent(query_TD, key_TD, value_TD, DECAY, normal=False)
    return {"difference": float((other - defined).abs().max() / defined.abs().max())}


def softmax(query_TD: Tensor, key_TD: Tensor, value_TD: Tensor) -> Tensor:
    """Standard causal attention, with the whole matrix of scores."""
    scores_TS = query_TD @ key_TD.mT / query_TD.shape[-1] ** 0.5
    hidden_TS = torch.ones_like(scores_TS, dtype=torch.bool).triu(1)
    read_TD: Tensor = scores_TS.masked_fill(hidden_TS, -torch.inf).softmax(-1) @ value_TD
    return read_TD


def in_tiles(query_TD: Tensor, key_TD: Tensor, value_TD: Tensor, config: Reordered) -> Tensor:
    """Keys read tile by tile with a running maximum and sum, so that no whole row of scores is ever held.

    Source: Milakov and Gimelshein 2018 (arXiv:1805.02867); Dao et al. 2022 (arXiv:2205.14135), algorithm 1.
    """
    time, width = query_TD.shape
    highest_T = torch.full((time,), -torch.inf, dtype=query_TD.dtype)
    total_T, sum_TD = torch.zeros(time, dtype=query_TD.dtype), torch.zeros_like(value_TD)
    for start in range(0, time, config.tile):
        places_S = torch.arange(start, min(start + config.tile, time))
        scores_TS = query_TD @ key_TD[places_S].mT / width**0.5
        scores_TS = scores_TS.masked_fill(places_S > torch.arange(time)[:, None], -torch.inf)
        higher_T = torch.maximum(highest_T, scores_TS.amax(-1))
        old_T = (highest_T - higher_T).exp() if config.form == "tiles" else torch.ones_like(higher_T)
        weights_TS = (scores_TS - higher_T[:, None]).exp()
        total_T = total_T * old_T + weights_TS.sum(-1)
        sum_TD = sum_TD * old_T[:, None] + weights_TS @ value_TD[places_S]
        highest_T = higher_T
    return sum_TD / total_T[:, None]


def positive(x_TD: Tensor) -> Tensor:
    """elu(x) + 1, the feature map of Katharopoulos et al. 2020 (arXiv:2006.16236), eq. 7."""
    return torch.nn.functional.elu(x_TD) + 1


def by_weights(query_TD: Tensor, key_TD: Tensor, value_TD: Tensor, decay: float, *, normal: bool = True) -> Tensor:
    """Weights query . key times decay^distance, all T x S of them, then the values.

    With `normal` each row is divided by its sum. Source: Katharopoulos et al. 2020, eq. 4; Sun et al. 2023
    (arXiv:2307.08621), eq. 5, without normalisation.
    """
    places_T = torch.arange(len(query_TD))
    distance_TS = (places_T[:, None] - places_T).double()
    weights_TS = (query_TD @ key_TD.mT) * decay**distance_TS * (distance_TS >= 0)
    mixed_TD = weights_TS @ value_TD
    return mixed_TD / weights_TS.sum(-1, keepdim=True) if normal else mixed_TD


def reordered(query_TD: Tensor, key_TD: Tensor, value_TD: Tensor, decay: float) -> Tensor:
    """Keys times values first, summed up to each token: (T, D, D) states and no T x S matrix; same source, eq. 6."""
    states_TDD = (key_TD[:, :, None] * value_TD[:, None, :]).cumsum(0)
    read_TD = torch.einsum("td,tde->te", query_TD, states_TDD)
    return read_TD / (query_TD * key_TD.cumsum(0)).sum(-1, keepdim=True)


def recurrent(query_TD: Tensor, key_TD: Tensor, value_TD: Tensor, decay: float, *, normal: bool = True) -> Tensor:
    """One state of D x D that each token decays, adds to and reads; Katharopoulos et al. 2020, eq. 16 to 20."""
    state_DD = torch.zeros(key_TD.shape[1], value_TD.shape[1], dtype=query_TD.dtype)
    total_D = torch.zeros(key_TD.shape[1], dtype=query_TD.dtype)
    rows = []
    for query_D, key_D, value_D in zip(query_TD, key_TD, value_TD, strict=True):
        state_DD = decay * state_DD + key_D[:, None] * value_D
        total_D = decay * total_D + key_D
        read_D = query_D @ state_DD
        rows.append(read_D / (query_D @ total_D) if normal else read_D)
    return torch.stack(rows)
