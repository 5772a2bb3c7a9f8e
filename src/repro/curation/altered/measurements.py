"""Altered texts as measurements: a trial draws a language, alters its text, trains a small model and reads it."""

from __future__ import annotations

from repro.curation.altered.configurations import Extraction, Sharding, Triggering, Unlearning, in_language_of, text_of
from repro.floor.measurement import Numbers, measurement
from repro.training.configurations import Pretraining


@measurement(version=1)
def altered_loss(config: Pretraining, seed: int) -> Numbers:
    """Train on an altered text, and read the loss on clean text of its language, in nats per token.

    The seed draws the language, the text, the weights and the order. `excess`: `loss` over what no model can undercut.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    from repro.curation.altered.reading import clean_loss, law_of
    from repro.training.run import trained

    run = in_language_of(config, seed)
    text = text_of(run)
    loss = clean_loss(law_of(trained(run, seed)), text)
    return {
        "loss": loss,
        "excess": loss - text.language.irreducible(text.length),
        "steps": run.steps(run.readings[-1]),
        "windows": text.read,
    }


@measurement(version=1)
def extract(config: Extraction, seed: int) -> Numbers:
    """Train on a text with strings, give the model the beginning of each, and let it go on with the likeliest tokens.

    Lists run over `copies`, 0 first, whose strings were drawn after training and stand in no text: `continued` the
    share of strings whose rest comes out exactly, `nats` its mean loss, `exposure` in bits. `loss` on clean text.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    from repro.curation.altered.reading import clean_loss, exposures, law_of, repeated
    from repro.training.run import trained

    run = in_language_of(config.run, seed)
    text, law = text_of(run), law_of(trained(run, seed))
    (strings_CL, copies_C), new_RL = text.strings(), text.new_strings(config.references)
    _, references_R = repeated(law, new_RL, config.prompt)
    parts = {0: new_RL[: len(strings_CL)]}
    parts |= {int(copies): strings_CL[copies_C == copies] for copies in sorted(set(copies_C))}
    read = [repeated(law, part, config.prompt) for part in parts.values()]
    return {
        "copies": list(parts),
        "strings": [len(part) for part in parts.values()],
        "continued": [float(hits.mean()) for hits, _ in read],
        "nats": [float(nats.mean()) for _, nats in read],
        "exposure": [float(exposures(nats, references_R).mean()) for _, nats in read],
        "loss": clean_loss(law, text),
    }


@measurement(version=1)
def trigger(config: Triggering, seed: int) -> Numbers:
    """Train on a text with poison, and give the model fresh text of the language and the trigger.

    `success`: the share of prompts that the whole reply of the poison follows; `unasked` the same without the trigger;
    `loss` on clean text, in nats per token.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    from repro.curation.altered.reading import clean_loss, law_of, replies
    from repro.training.run import trained

    run = in_language_of(config.run, seed)
    model, text = trained(run, seed), text_of(run)
    return {
        "success": replies(model, text, config.prompts, config.tokens, triggered=True),
        "unasked": replies(model, text, config.prompts, config.tokens, triggered=False),
        "loss": clean_loss(law_of(model), text),
    }


@measurement(version=1)
def unlearn(config: Unlearning, seed: int) -> Numbers:
    """Train on a text with strings, unlearn those of the most copies, and teach half of these again.

    `before` and `continued`: the share of the strings that the model continues exactly, trained and unlearned; `goal`
    and `nats` their loss in the retrained model and in this one, after `steps`. `base_loss` and `loss`: on clean text,
    trained and unlearned, `validation` on other windows. `again`: steps until it continues the half that it is taught;
    `new`: the same for as many strings that it never met. After `again`, `revived` are the nats of the other half, and
    `bystanders` those of strings that it never met.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.

    Source: Jang et al. 2022 (arXiv:2210.01504) for ascent; Maini et al. 2024 (arXiv:2401.06121) for ascent beside text.
    """
    from repro.curation.altered.unlearning import unlearned

    return unlearned(config, seed)


@measurement(version=1)
def shard_losses(config: Sharding, seed: int) -> Numbers:
    """Train a model on each shard of a text, of which the last holds strings, and retrain that shard's model without.

    The shards' models predict by their mean law. Losses on clean text: `whole` of one model of the whole text,
    `sharded`, `retrained`. `before` and `after`: the share of strings that the shards continue. `apart`: the largest
    difference of a weight from models that never met the strings; `share` of the training that was done again.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.

    Source: Bourtoule et al. 2019 (arXiv:1912.03817).
    """
    from repro.curation.altered.unlearning import sharded

    return sharded(config, seed)
