"""The tokens that a step reads: windows of the training text in a seeded order, a pure function of seed and step.

B sequences in a batch, T time.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Windows = NDArray[np.int64]


class WindowOrder:
    """Windows of `time` tokens (and the one after each), every epoch in a new order.

    Nothing is kept between steps, so a run that resumes reads on exactly where it stopped.
    """

    def __init__(self, tokens: NDArray[np.integer], *, time: int, seed: int, unique: int | None = None) -> None:
        """Choose the windows.

        Args:
            tokens: (length,) the training text.
            unique: tokens of a random part that is read over and over; None: the whole text.

        Raises:
            ValueError: the text holds fewer tokens than one window, or than `unique`.
        """
        whole = (len(tokens) - 1) // time
        wanted = whole if unique is None else unique // time
        if not 1 <= wanted <= whole:
            raise ValueError(
                f"{wanted} windows of {time} tokens wanted from a text that holds {whole}; "
                "ask for fewer unique tokens, at least one window, or a larger text"
            )
        self.tokens, self.time, self.seed = tokens, time, seed
        self.chosen = np.random.default_rng([seed, 0]).permutation(whole)[:wanted]
        self._epoch, self._order = -1, self.chosen

    def batch(self, step: int, sequences: int) -> tuple[Windows, Windows]:
        """Inputs and targets (B, T) of step 0, 1, ...; a batch may reach over the end of an epoch."""
        return cut(self.tokens, self.places(step, sequences), self.time)

    def places(self, step: int, sequences: int) -> Windows:
        """(B,) numbers of the windows of step 0, 1, ..."""
        epochs, places = np.divmod(np.arange(step * sequences, (step + 1) * sequences), len(self.chosen))
        return np.concatenate([self._ordered(epoch)[places[epochs == epoch]] for epoch in np.unique(epochs).tolist()])

    def _ordered(self, epoch: int) -> Windows:
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self.seed, 1 + epoch]).permutation(self.chosen)
        return self._order


class TextOnDevice:
    """A training text in a device's memory, from which a step takes its windows by number, without a transfer."""

    def __init__(self, tokens: NDArray[np.integer], *, time: int, device: torch.device) -> None:
        """Copy the text, 4 bytes per token: indexing knows no unsigned 16 bits."""
        self.tokens, self.time = torch.from_numpy(np.asarray(tokens).astype(np.int32)).to(device), time
        self._within_T = torch.arange(time + 1, device=device)

    def windows(self, places: Tensor) -> Tensor:
        """Windows number `places` (...) with the token after each, (..., T + 1)."""
        return self.tokens[places[..., None] * self.time + self._within_T].long()


def held_out(tokens: NDArray[np.integer], *, time: int, count: int) -> tuple[Windows, Windows]:
    """Inputs and targets (B, T) of about `count` tokens, spread evenly over a test text; the same for every run.

    Raises:
        ValueError: the text holds fewer tokens.
    """
    whole, wanted = (len(tokens) - 1) // time, max(1, count // time)
    if wanted > whole:
        raise ValueError(f"{count} test tokens wanted from a text of {len(tokens)}; ask for fewer")
    return cut(tokens, np.arange(wanted) * whole // wanted, time)


def cut(tokens: NDArray[np.integer], places: NDArray[np.integer], time: int) -> tuple[Windows, Windows]:
    """Inputs and targets (B, T) of windows number `places`; the targets are the inputs one token on."""
    windows = tokens[places[:, None] * time + np.arange(time + 1)].astype(np.int64)
    return windows[:, :-1], windows[:, 1:]
