"""Configurations of trials on reviews: a fine-tuned model, a method on it, and what can be reached from it."""

from __future__ import annotations

from dataclasses import dataclass

from repro.alignment.methods.configurations import Effort
from repro.corpora.languages.reviews import ASKED, SENTENCE, SENTENCES, WORDS
from repro.floor.identity import added
from repro.models.decoder import Decoder


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Supervised fine-tuning on reviews, from which every arm starts and by which pairs are drawn.

    sentences: of a review, three or more. device: "cpu" or "cuda", where all of a trial is computed.

    Raises:
        ValueError: fewer sentences.
    """

    width: int = 32
    layers: int = 2
    steps: int = 300
    batch: int = 64
    learning_rate: float = 3e-3
    sentences: int = added(SENTENCES)
    device: str = added("cpu")

    def __post_init__(self) -> None:
        if self.sentences < SENTENCES:
            raise ValueError(f"a review of {self.sentences} sentences; expected {SENTENCES} or more")

    @property
    def reply(self) -> int:
        """Tokens of a reply."""
        return self.sentences * SENTENCE

    @property
    def shape(self) -> Decoder:
        """The decoder, its heads 16 wide."""
        return Decoder(
            vocabulary=len(WORDS),
            width=self.width,
            layers=self.layers,
            heads=max(1, self.width // 16),
            context=ASKED + self.reply,
        )


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """One method at one beta and one learning rate, on pairs that the fine-tuned model wrote and gold labelled.

    model_rates: learning rates of the reward model, among which its loss on held-out pairs chooses. samples: replies to
    held-out prompts at each look. lora: rank of the adapters by which policy, reward model and value network learn; 0:
    all weights learn. closely: replies by which the fine-tuned model and the kept policy are read once more; 0: they
    are not.
    """

    method: str
    beta: float
    learning_rate: float
    pairs: int
    budget: Effort
    stage: Stage = Stage()
    model_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)
    samples: int = 300
    lora: int = added(0)
    closely: int = added(0)


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A reward model of a stage's pairs, its learning rate and checkpoint chosen by its loss on held-out pairs."""

    pairs: int
    budget: Effort
    model_rates: tuple[float, ...]
    lora: int = 0


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What can be reached from a fine-tuned model: its replies weighed by exp(reward / beta), and the best of a few.

    samples: replies to each held-out prompt. learned: the reward that weighs and chooses them, if it is not gold.
    """

    stage: Stage = Stage()
    betas: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
    best_of: tuple[int, ...] = (1, 2, 4, 8, 16)
    samples: int = 2000
    learned: Learned | None = added(None)  # noqa: RUF009 - `added` gives a field


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """Reward models of growing sets of pairs that the fine-tuned model wrote and gold labelled.

    pairs: sizes of the sets, a fifth of each held out; a larger set holds the smaller ones. steps: of a training, or as
    many as make this number of `passes` over its pairs, if fewer. looks: at each training, among which its loss on its
    own held-out pairs chooses. samples: pairs of replies to held-out prompts that each model puts in order.
    """

    pairs: tuple[int, ...] = (200, 400, 800, 1_600, 3_200, 6_400, 12_800)
    learning_rate: float = 1e-3
    steps: int = 300
    passes: int = 8
    batch: int = 64
    looks: int = 12
    samples: int = 6_000
    stage: Stage = Stage()
