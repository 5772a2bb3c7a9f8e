"""A decoder that learns a first language, and is tuned on a second.

Legend: B windows, T time, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.adaptation.tuning.configurations import SecondLanguage, first_run, second_language
from repro.adaptation.tuning.learning import TESTED, Batch, learner, losses_at_looks
from repro.corpora.texts.text import HiddenMarkov, Tokens, tokens_of
from repro.training.run import device, trained
from repro.training.windows import WindowOrder, held_out


def tuned_on_second(config: SecondLanguage, seed: int) -> dict[str, float | list[float]]:
    """The numbers of `second_language_losses`: losses on both languages at each look, the untuned model's first."""
    run = first_run(config.run, seed)
    assert isinstance(run.text, HiddenMarkov)
    other, time = second_language(run.text), run.model.context
    model = learner(trained(run, seed), config.tuning.rank, config.base, seed)
    (_, first), (validation, second) = (halves(tokens_of(text), time) for text in (run.text, other))
    order = WindowOrder(tokens_of(other).train, time=time, seed=seed)

    def loss(inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        return F.cross_entropy(model(inputs_BT).flatten(0, 1), targets_BT.flatten())

    def batch(number: int) -> Batch:
        return tuple(torch.from_numpy(part).to(device()) for part in order.batch(number, config.tuning.lines))

    parts = {"first": first, "validation": validation, "second": second}
    looks = losses_at_looks(model, loss, batch, parts, config.tuning)
    return {**looks, "floor": other.irreducible(time)}


def halves(text: Tokens, time: int) -> tuple[Batch, Batch]:
    """Windows of the test split that choose, and as many others that judge."""
    inputs, targets = (torch.from_numpy(part).to(device()) for part in held_out(text.test, time=time, count=2 * TESTED))
    return (inputs[::2], targets[::2]), (inputs[1::2], targets[1::2])
