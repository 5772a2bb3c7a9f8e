"""Linear probes: what the states of a model hold of the hidden word classes of a language, and what a probe adds.

Legend: B windows, T time, N states, W width, V symbols, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repro.corpora.languages.hidden_markov import HiddenMarkov
from repro.corpora.texts.text import tokens_of
from repro.floor.arrays import Array
from repro.floor.measurement import Numbers, measurement
from repro.models.counting import parameters
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining
from repro.training.windows import held_out

if TYPE_CHECKING:
    from repro.models.transformer import Transformer

Labels = NDArray[np.int64]

TESTED = 4  # batches that the loss of a run is read from
RIDGE = 1e-3  # of the mean square of the states, times their number


@dataclass(frozen=True, kw_only=True)
class Probing:
    """A model of the language, after its training run or as that run would have begun, and the states that are read.

    Raises:
        ValueError: the text has no hidden classes, or holds too few tokens for its states.
    """

    run: Pretraining
    trained: bool = True
    states: int = 20_000

    def __post_init__(self) -> None:
        if not isinstance(self.run.text, HiddenMarkov):
            raise ValueError(f"a text of {self.run.text}; expected a hidden Markov language, whose classes are known")
        if self.run.text.test_tokens <= self.states + self.run.model.context:
            raise ValueError(f"{self.run.text.test_tokens} test tokens; expected more than the {self.states} states")

    @property
    def language(self) -> HiddenMarkov:
        """The language."""
        assert isinstance(self.run.text, HiddenMarkov)
        return self.run.text


def probing(
    classes: int, symbols: int, context: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Probing:
    """A run of `steps` steps of `lines` windows each, all freshly drawn, at a peak rate of `rate` / width."""
    batch = lines * context
    text = HiddenMarkov(classes=classes, symbols=symbols, tokens=steps * batch + context + 1)
    shape = Decoder(vocabulary=symbols, width=width, layers=layers, heads=max(1, width // 16), context=context)
    warmup = batch * steps // 20
    return Probing(
        run=Pretraining(
            model=shape,
            text=text,
            readings=(steps * batch,),
            batch=batch,
            learning_rate=rate / width,
            warmup=warmup,
            test_tokens=TESTED * batch,
        )
    )


def both(config: Probing) -> list[Probing]:
    """The model after its training and before it."""
    return [replace(config, trained=trained) for trained in (True, False)]


@measurement(version=1)
def probe(config: Probing, seed: int) -> Numbers:
    """Read word classes off the last states of a model by ridge regression, on text that it was not trained on.

    Shares right: `seen` of the class of a symbol whose kind the probe was fitted on, in other text; `control`, as
    `seen`, of a class dealt to each symbol by chance, which the probe alone can have learned (selectivity is `seen`
    minus `control`); `unseen` of the class of symbols of which the probe was fitted on none; `before` of the class of
    the token before. `frequent`: of a guess at the commonest class.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.

    Source: Hewitt & Liang 2019 (arXiv:1909.03368), control tasks and selectivity.
    """
    states_NW, symbols_N, before_N = _read(_model(config, seed), config)
    kinds_V = config.language.classes_of()
    rng = np.random.default_rng([seed, 5])
    known_V = np.isin(np.arange(len(kinds_V)), rng.permutation(len(kinds_V))[: len(kinds_V) // 2])
    first_N = np.arange(len(symbols_N)) < len(symbols_N) // 2
    known_N, right_N = known_V[symbols_N], kinds_V[symbols_N]
    return {
        "seen": accuracy(states_NW, right_N, first_N, ~first_N),
        "control": accuracy(states_NW, rng.permutation(kinds_V)[symbols_N], first_N, ~first_N),
        "unseen": accuracy(states_NW, right_N, first_N & known_N, ~first_N & ~known_N),
        "before": accuracy(states_NW, kinds_V[before_N], first_N, ~first_N),
        "frequent": float(np.bincount(right_N[~first_N]).max() / (~first_N).sum()),
        "states": len(symbols_N),
        "parameters": parameters(config.run.model).total,
    }


def accuracy(states_NW: Array, labels_N: Labels, fitted_N: NDArray[np.bool_], tested_N: NDArray[np.bool_]) -> float:
    """The share of tested states whose label a linear probe, fitted to others by ridge regression, gives rightly."""
    with_one = np.hstack([states_NW, np.ones((len(states_NW), 1))])
    x, y = with_one[fitted_N], np.eye(labels_N.max() + 1)[labels_N[fitted_N]]
    ridge = RIDGE * (x**2).mean() * len(x)
    weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    return float(((with_one[tested_N] @ weights).argmax(axis=1) == labels_N[tested_N]).mean())


def _model(config: Probing, seed: int) -> Transformer:
    import torch

    from repro.models.transformer import Transformer
    from repro.training.run import trained

    if config.trained:
        return trained(config.run, seed)
    torch.manual_seed(seed)  # the weights that the run starts from
    return Transformer(config.run.model).eval()


def _read(model: Transformer, config: Probing) -> tuple[Array, Labels, Labels]:
    """(N, W) states after the last norm, (N,) the symbol at each, (N,) the symbol before it."""
    import torch

    inputs_BT, _ = held_out(tokens_of(config.run.text).test, time=config.run.model.context, count=config.states)
    device = next(model.parameters()).device
    with torch.no_grad():
        states_BTW = model.hidden(torch.from_numpy(inputs_BT).to(device)).double().cpu().numpy()
    width = states_BTW.shape[-1]
    return states_BTW[:, 1:].reshape(-1, width), inputs_BT[:, 1:].reshape(-1), inputs_BT[:, :-1].reshape(-1)
