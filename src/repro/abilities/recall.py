"""Facts of unequal frequency, learned by models of growing size: an ability that is the sum of many small ones.

Legend: B questions, K facts, L questions of an exam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.corpora.languages.skills import Skills
from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.models.counting import parameters, training_flops
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining, alike

if TYPE_CHECKING:
    from repro.models.transformer import Transformer

EXAMS = (1, 2, 4, 8, 16, 32)  # questions of an exam, all of which must be answered right
TESTED = 4  # batches that the loss of a run is read from
CHUNK = 32_768  # questions read at a time; attention on a GPU refuses 65,536 (pytorch/pytorch issue 142228)


@dataclass(frozen=True, kw_only=True)
class Recalling:
    """A training run on facts, and how many questions it is asked, drawn as the facts were.

    Raises:
        ValueError: the text holds no facts, the context is not one fact, or no exam can be filled.
    """

    run: Pretraining
    questions: int = 65_536

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Skills) or self.run.model.context != text.length:
            raise ValueError(f"a context of {self.run.model.context} over {text}; expected skills, one a window")
        if self.questions < EXAMS[-1]:
            raise ValueError(f"{self.questions} questions; an exam has up to {EXAMS[-1]}")

    @property
    def facts(self) -> Skills:
        """The language of which each skill is a fact: a name and its answer."""
        assert isinstance(self.run.text, Skills)
        return self.run.text


def recalling(
    alpha: float, vocabulary: int, digits: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Recalling:
    """A run of `steps` steps of `lines` facts each, all freshly drawn, at a peak rate of `rate` / width."""
    length = digits + 1
    batch = lines * length
    tested = TESTED * batch
    facts = Skills(
        alpha=alpha, vocabulary=vocabulary, digits=digits, tokens=steps * batch + length, test_tokens=tested + length
    )
    shape = Decoder(vocabulary=vocabulary, width=width, layers=layers, heads=max(1, width // 16), context=length)
    warmup = batch * steps // 20
    return Recalling(
        run=Pretraining(
            model=shape,
            text=facts,
            readings=(steps * batch,),
            batch=batch,
            learning_rate=rate / width,
            warmup=warmup,
            test_tokens=tested,
        )
    )


def recall_together(configs: Sequence[Recalling], seeds: Sequence[int]) -> list[Numbers | Diverged]:
    """`recall` of many runs of one shape in one program, up to rounding."""
    from repro.training.ensemble import run_together

    runs = run_together([config.run for config in configs], seeds)
    return [
        run if isinstance(run, Diverged) else recalled(run.model, config, seed)
        for run, config, seed in zip(runs, configs, seeds, strict=True)
    ]


def recalls_alike(config: Recalling) -> Recalling:
    """What runs that may train in one program have in common: all but the learning rate."""
    return replace(config, run=alike(config.run))


@measurement(version=1, together=Together(recalls_alike, recall_together))
def recall(config: Recalling, seed: int) -> Numbers:
    """Train on facts, the commonest seen most, and ask for them as often as they were seen.

    `accuracy` of the answers and their `cross_entropy` in nats; `known` of `facts`: those whose answer is right,
    however rare; `passed` and `taken`: of exams of 1, 2, 4, ... 32 of the same questions, how many have no wrong
    answer, and how many there are.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.

    Source: Schaeffer et al. 2023 (arXiv:2304.15004), section 5, for exams that make emergence of a smooth accuracy.
    """
    from repro.training.run import trained

    return recalled(trained(config.run, seed), config, seed)


def recalled(model: Transformer, config: Recalling, seed: int) -> Numbers:
    """The scores of a trained model."""
    facts = config.facts
    hits_K, losses_K = _answers(model, facts.sequences())
    asked_B = facts.law.draw(np.random.default_rng([seed, config.questions]), config.questions)
    count = parameters(config.run.model)
    return {
        "accuracy": float(hits_K[asked_B].mean()),
        "cross_entropy": float(losses_K[asked_B].mean()),
        "known": int(hits_K.sum()),
        "facts": facts.skills,
        "passed": [passed(hits_K[asked_B], size) for size in EXAMS],
        "taken": [config.questions // size for size in EXAMS],
        "parameters": count.total,
        "flops": training_flops(config.run.model, config.run.readings[-1], config.run.model.context),
    }


def passed(hits_B: NDArray[np.bool_], size: int) -> int:
    """How many exams of `size` questions, cut from the answers in their order, hold no wrong answer."""
    exams = len(hits_B) // size
    return int(hits_B[: exams * size].reshape(exams, size).all(axis=1).sum())


def exams_table(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run and length of exam: parameters, seed, diverged, questions, passed, taken, share."""
    kept = runs.loc[~runs["diverged"], ["parameters", "seed", "diverged", "passed", "taken"]]
    kept["questions"] = pd.Series([list(EXAMS)] * len(kept), index=kept.index)
    long = kept.explode(["questions", "passed", "taken"], ignore_index=True).infer_objects()
    return long.assign(share=long["passed"] / long["taken"])


def _answers(model: Transformer, facts_KT: NDArray[np.uint16]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(K,) whether the answer of each fact is right, and its loss in nats."""
    import torch

    device, hits, losses = next(model.parameters()).device, [], []
    with torch.no_grad():
        for part_BT in torch.from_numpy(facts_KT.astype(np.int64)).split(CHUNK):
            logits_BV = model(part_BT[:, :-1].to(device))[:, -1].double()
            right_B = part_BT[:, -1].to(device)
            hits.append(logits_BV.argmax(-1) == right_B)
            losses.append(torch.nn.functional.cross_entropy(logits_BV, right_B, reduction="none"))
    return torch.cat(hits).cpu().numpy(), torch.cat(losses).cpu().numpy()
