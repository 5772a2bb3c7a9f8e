"""What objectives leave, as measurements: a loss for tuning, and everything that is asked of a trained model."""

from __future__ import annotations

from repro.abilities.objectives.configurations import Left
from repro.floor.measurement import Numbers, measurement
from repro.training.objectives.configurations import Fitting


@measurement(version=1)
def objective_loss(config: Fitting, seed: int) -> Numbers:
    """Train on an objective; `loss` is its own, in nats per predicted token, on lines that were not read."""
    from repro.training.objectives.fitting import fitted, held_out_loss

    return {"loss": held_out_loss(fitted(config, seed), config, seed)}


@measurement(version=1)
def objective_left(config: Left, seed: int) -> Numbers:
    """Train on an objective, and ask of the model what the fields name; see the functions of each.

    `open`, `closed` and `topic` are shares that probes read rightly, by all layers; `last_` by the last alone, `later_`
    from the next word's state; `on_the_way` the closed words at each look. `left_`, `both_` and `topic_best` are
    ceilings. `whole_`, `legal_` and `nats_` judge what it wrote, by way of writing; `hidden_loss` what it filled in.
    """
    from repro.abilities.objectives.missing import hidden_loss
    from repro.abilities.objectives.probing import ceilings, tags_right, topics_right
    from repro.abilities.objectives.writing import judged, real_nats, written
    from repro.training.objectives.fitting import fitted, held_out_loss

    on_the_way: list[float] = []
    model = fitted(
        config.fitting,
        seed,
        lambda step, model: (
            on_the_way.append(tags_right(model, config, seed)["closed"]) if step in config.looks else None
        ),
    )
    last, later = (tags_right(model, config, seed, **how) for how in ({"last": True}, {"later": 1}))
    return {
        "loss": held_out_loss(model, config.fitting, seed),
        "on_the_way": on_the_way,
        **tags_right(model, config, seed),
        **{f"last_{words}": share for words, share in last.items()},
        **{f"later_{words}": share for words, share in later.items()},
        "topic": topics_right(model, config, seed),
        **ceilings(config, seed),
        **judged(written(model, config, seed), config, seed),
        "real_nats": real_nats(config, seed),
        "hidden_loss": hidden_loss(model, config, seed),
    }
