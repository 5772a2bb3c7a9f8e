"""Linear probes: what the states of a model hold of the hidden word classes of a language, and what a probe adds.

Legend: B windows, T time, N states, W width.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from repro.abilities.configurations import Probing
from repro.abilities.replies import device_of
from repro.corpora.texts.text import tokens_of
from repro.floor.arrays import Array, Tokens
from repro.models.transformer import Transformer
from repro.training.run import device
from repro.training.windows import held_out

RIDGE = 1e-3  # of the mean square of the states, times their number


def untrained(config: Probing, seed: int) -> Transformer:
    """The model with the weights that its run starts from."""
    torch.manual_seed(seed)
    return Transformer(config.run.model).to(device()).eval()


@torch.no_grad()
def read_states(model: Transformer, config: Probing) -> tuple[Array, Tokens, Tokens]:
    """(N, W) states after the last norm, (N,) the symbol at each, (N,) the symbol before it."""
    inputs_BT, _ = held_out(tokens_of(config.run.text).test, time=config.run.model.context, count=config.states)
    states_BTW = model.hidden(torch.from_numpy(inputs_BT).to(device_of(model))).double().cpu().numpy()
    width = states_BTW.shape[-1]
    return states_BTW[:, 1:].reshape(-1, width), inputs_BT[:, 1:].reshape(-1), inputs_BT[:, :-1].reshape(-1)


def accuracy(states_NW: Array, labels_N: Tokens, fitted_N: NDArray[np.bool_], tested_N: NDArray[np.bool_]) -> float:
    """The share of tested states whose label a linear probe, fitted to others by ridge regression, gives rightly."""
    with_one = np.hstack([states_NW, np.ones((len(states_NW), 1))])
    x, y = with_one[fitted_N], np.eye(labels_N.max() + 1)[labels_N[fitted_N]]
    ridge = RIDGE * (x**2).mean() * len(x)
    weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    return float(((with_one[tested_N] @ weights).argmax(axis=1) == labels_N[tested_N]).mean())
