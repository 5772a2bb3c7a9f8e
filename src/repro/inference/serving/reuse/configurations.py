"""What trials of reuse are of: calls that share beginnings, questions that are asked again, and a pair of models."""

from __future__ import annotations

from dataclasses import dataclass

from repro.training.configurations import Pretraining

KINDS = ("few-shot", "chat", "branches", "unrelated")
KEEPS = ("tree", "calls")
ASKED = ("one thing", "two things")
FEATURES = ("words", "words and pairs")
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)


@dataclass(frozen=True, kw_only=True)
class Calls:
    """A pipeline's calls of a model, one after another, each a prompt and an answer.

    Fields: `kind` few-shot (examples of one of `tasks`, then a new question), chat (a common instruction, then a turn
    more of one of `live` conversations of `turns` turns), branches (an instruction, a question, then thoughts: `width`
    continuations of each of them to `depth`, of `live` questions by turns) or unrelated; `count` calls; `examples`,
    `instruction`, `message` and `answer` the means of their lengths in tokens, log-normal about them with `spread`.

    Raises:
        ValueError: a kind that there is not, or fewer than one call.
    """

    kind: str
    count: int = 400
    tasks: int = 8
    turns: int = 8
    live: int = 16
    width: int = 3
    depth: int = 3
    examples: int = 800
    instruction: int = 200
    message: int = 60
    answer: int = 100
    spread: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.count < 1:
            raise ValueError(f"{self.count} calls of kind {self.kind!r}; expected 1 or more of {', '.join(KINDS)}")


@dataclass(frozen=True, kw_only=True)
class CallCache:
    """Calls that are served one after another, and what is kept of them.

    Fields: `keeps` tree (any beginning of an earlier call is found) or calls (only whole earlier calls are continued);
    `room` slots of the pool over the tokens of all calls; `block` slots of a block.

    Raises:
        ValueError: something else to keep, or a room outside 0 to 1.
    """

    calls: Calls
    keeps: str = "tree"
    room: float = 0.1
    block: int = 16

    def __post_init__(self) -> None:
        if self.keeps not in KEEPS or not 0 < self.room <= 1:
            raise ValueError(
                f"{self.keeps!r} kept in a room of {self.room}; expected {' or '.join(KEEPS)}, above 0 to 1"
            )


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Questions in templated phrasings, whose meanings follow Zipf's law, and a cache that answers similar ones.

    Fields: `asked` about one thing each, or about two whose order matters as well; `count` questions; `exponent` of
    Zipf's law over meanings; `features` whose weighted counts are compared: words, or words and pairs of neighbours;
    `greeted` whether words that change no meaning stand before and behind.

    Raises:
        ValueError: a choice that there is not.
    """

    asked: str
    count: int = 1_500
    exponent: float = 1.0
    features: str = "words"
    greeted: bool = True

    def __post_init__(self) -> None:
        if self.asked not in ASKED or self.features not in FEATURES:
            raise ValueError(f"{self}; expected asked of {', '.join(ASKED)} and features of {', '.join(FEATURES)}")


@dataclass(frozen=True, kw_only=True)
class Routing:
    """A small and a large model of one text of skills; questions go to the large one where the small one is unsure.

    Fields: `items` questions, half to choose the threshold, half to judge it; `points` of accuracy that may be lost.

    Raises:
        ValueError: the two were trained on different texts.
    """

    small: Pretraining
    large: Pretraining
    items: int = 8_000
    points: float = 0.01

    def __post_init__(self) -> None:
        if self.small.text != self.large.text:
            raise ValueError(f"a small model of {self.small.text} and a large one of {self.large.text}; give one text")
