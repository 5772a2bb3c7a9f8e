"""What supervised fine-tuning learns: from which tokens, and of what demonstrations show."""

from __future__ import annotations

import tempfile
from pathlib import Path

from repro.alignment.demonstrations.configurations import (
    BACKWARDS,
    LOSSES,
    PROMPTS,
    Eliciting,
    Masking,
    RandomPairs,
    Referred,
)
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def elicited(config: Eliciting, seed: int) -> Numbers:
    """Fine-tune on more and more demonstrations, and ask about known facts that none of them covers.

    Lists run over the numbers of demonstrations. `formed`: share of greedy answers that are one value and the end;
    `nll`: loss of the right ones, nats per token. Of these facts, all, those told in `many` forms and those told in
    `one`: `right`, share of answers that begin with the right value, and `knows`, share of statements whose value is
    what the model goes on with. `untold`: `right` of facts that nothing told; `taught`: of hidden facts after
    demonstrations of these very facts. `learning_rate`: the one chosen, 0 without tuning. `asked` known and
    `untold_asked` hidden facts are tested.

    Raises:
        Diverged: a loss that is no number, in reading or at every learning rate.
    """
    from repro.alignment.demonstrations.eliciting import deal_facts, fine_tuned, readings, right_share, well_read
    from repro.corpora.languages.facts import FactBase

    base, facts = FactBase(config.facts, seed), deal_facts(config, seed)
    start = well_read(config, base, seed)
    rows: list[dict[str, float]] = []
    for count in config.demonstrations:
        shown = facts.covered[:count]
        model, rate = fine_tuned(config, start, base, shown, facts.validated, seed) if count else (start, 0.0)
        rows.append({"learning_rate": rate, **readings(model, base, facts.tested, facts.untold)})
    taught, taught_rate = fine_tuned(config, start, base, facts.taught, facts.taught, seed)
    return {
        **{name: [row[name] for row in rows] for name in rows[0]},
        "taught": right_share(taught, base, facts.taught),
        "taught_learning_rate": taught_rate,
        "asked": len(facts.tested),
        "untold_asked": len(facts.untold),
    }


@measurement(version=1)
def masked_tuning(config: Masking, seed: int) -> Numbers:
    """`nll`: cross-entropy of unseen responses in nats per token, of the model that the validation set chooses.

    `untrained` is that of the start; `learning_rate` and `step` those chosen; `validation` its loss there.

    Raises:
        Diverged: a loss that is no number, at every learning rate.
    """
    from repro.alignment.demonstrations.examples import example_sets
    from repro.alignment.demonstrations.masking import best_look, pretrained, response_nll

    for name, known in (("loss", LOSSES), ("prompt", PROMPTS), ("backwards", BACKWARDS)):
        if getattr(config, name) not in known:
            raise ValueError(f"got {name}={getattr(config, name)!r}; expected one of {known}")
    training, validation, test = example_sets(config, seed)
    start = pretrained(config.width, config.pretraining, config.batch, seed)
    best = best_look(config, start, training, validation, test, seed)
    return {"untrained": response_nll(start, test), **best}


@measurement(version=1)
def loss_readings(config: RandomPairs, seed: int) -> Numbers:
    """Differences in nats between formulas and trl's losses, and gradients at prompt and reply positions.

    `sft_pairs` and `sft_text` are trl's loss with its defaults, on prompt-completion rows and on plain text, minus the
    cross-entropy of the reply's tokens; `prompt_logits` the change of that cross-entropy when all logits that predict
    the prompt are changed; `prompt_gradient` the mean norm of its gradient at a prompt position's embedding over that
    at a reply position's.
    """
    from repro.alignment.demonstrations.readings import dpo_readings, random_rows, sft_readings

    tokeniser, rows = random_rows(config, seed)
    with tempfile.TemporaryDirectory() as folder:
        return {
            **dpo_readings(config, seed, tokeniser, rows, Path(folder)),
            **sft_readings(config, seed, tokeniser, rows, Path(folder)),
        }


@measurement(version=1)
def reference_change(config: Referred, seed: int) -> Numbers:
    """How much a loss changes, in its own unit, when the reference is another: `change`, at weight 1."""
    import torch

    from repro.alignment.methods.relatives import pair_loss

    generator, loss = torch.Generator().manual_seed(seed), pair_loss(config.method, 1.0, config.reply)
    mine, theirs, others = (
        (-torch.rand(config.pairs, generator=generator), -torch.rand(config.pairs, generator=generator))
        for _ in range(3)
    )
    return {"change": abs(float(loss(mine, theirs) - loss(mine, others)))}
