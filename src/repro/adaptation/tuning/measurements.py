"""Fine-tuning as measurements: adapters folded into matrices, a second language, an update of known rank."""

from __future__ import annotations

from repro.adaptation.tuning.configurations import InPlace, PlantedUpdate, SecondLanguage
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def adapters_folded(config: InPlace, seed: int) -> Numbers:
    """How far logits of a decoder with adapters are from those of other models, in double precision.

    `fresh`: the greatest change of a logit by adapters that have not learnt. The others are of adapters whose B is
    random, each the greatest difference of a logit over the greatest logit: `moved` from the decoder without adapters,
    `scaled` from one whose matrices are W + (alpha / r) B A, `unscaled` from W + B A, `library` from what peft's own
    `merge` makes.
    """
    from repro.adaptation.tuning.in_place import folded

    return folded(config, seed)


@measurement(version=1)
def second_language_losses(config: SecondLanguage, seed: int) -> Numbers:
    """Train on a language, or take that run's weights, tune on another, and read both at each look.

    The seed draws both languages, the weights and the order. Lists over looks, the untuned model's first, in nats per
    token: `first` and `second` on the test split of each language, `validation` on other windows of the second.
    `floor` is what no model can undercut on the second, on average.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.adaptation.tuning.second import tuned_on_second

    return tuned_on_second(config, seed)


@measurement(version=1)
def planted_update_left(config: PlantedUpdate, seed: int) -> Numbers:
    """Update a copy of a random decoder's matrices at random, and let the decoder learn the copy's laws.

    Lists over looks, the untuned model's first: `left` the KL from the updated model to the tuned one in nats per
    token, `validation` on other tokens.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.adaptation.tuning.learning import tuned_to_update

    return tuned_to_update(config, seed)
