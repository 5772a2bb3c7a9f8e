"""Where chance enters decoding: two kinds of random choice, drawn at random or branched over exactly.

B sequences, G drafted tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Choices(Protocol):
    """All that a decoding loop may ask of chance."""

    def token(self, weights_BV: Tensor) -> Tensor:
        """(B,) one token of each row, with probability proportional to its weight."""
        ...

    def accepted(self, chances_BG: Tensor) -> Tensor:
        """(B,) the drafted tokens that pass before the first that fails; each passes with its own chance."""
        ...


class Drawn:
    """Choices from a random number generator; the same seed gives the same choices."""

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self.generator = torch.Generator(device).manual_seed(seed)

    def token(self, weights_BV: Tensor) -> Tensor:
        """Inverse transform sampling in double precision; a token of weight 0 is never drawn."""
        reached_BV = weights_BV.cumsum(-1, dtype=torch.float64)
        total_B1 = reached_BV[:, -1:]
        height_B1 = self._uniform(len(weights_BV), 1) * total_B1
        below_B1 = torch.minimum(height_B1, torch.nextafter(total_B1, torch.zeros_like(total_B1)))
        return torch.searchsorted(reached_BV, below_B1, right=True).squeeze(-1)

    def accepted(self, chances_BG: Tensor) -> Tensor:
        """A new number for every drafted token."""
        return _leading(self._uniform(*chances_BG.shape) < chances_BG)

    def _uniform(self, *size: int) -> Tensor:
        return torch.rand(size, dtype=torch.float64, generator=self.generator, device=self.generator.device)


class DrawnAhead(Drawn):
    """The same choices from numbers drawn beforehand, in memory that stays where it is.

    So the work after `rewind` can be done again on other numbers without asking the generator.
    """

    def __init__(self, seed: int, device: str = "cpu", *, most: int) -> None:
        """Make room for `most` numbers."""
        super().__init__(seed, device)
        self._numbers = torch.zeros(most, dtype=torch.float64, device=device)
        self._used = 0

    def draw(self, count: int) -> None:
        """Draw the first `count` numbers anew."""
        self._numbers[:count].uniform_(generator=self.generator)

    def rewind(self) -> None:
        """The choices that follow use the numbers from the first on, one after the other."""
        self._used = 0

    def _uniform(self, *size: int) -> Tensor:
        first, self._used = self._used, self._used + math.prod(size)
        return self._numbers[first : self._used].view(size)


class DrawnReset(Drawn):
    """A planted falsehood: the state is reset before each acceptance, so that one number decides them all."""

    def __init__(self, seed: int, device: str = "cpu") -> None:
        super().__init__(seed, device)
        self._number: Tensor | None = None

    def accepted(self, chances_BG: Tensor) -> Tensor:
        if self._number is None:
            self._number = self._uniform(len(chances_BG), 1)
        return _leading(self._number < chances_BG)


def _leading(passed_BG: Tensor) -> Tensor:
    return passed_BG.long().cumprod(-1).sum(-1)


class Way:
    """One way that the choices of a single sequence can go: as `begun`, then always by the first possible outcome.

    Fields: `taken` outcomes; `probability` of the whole way; `untaken` beginnings of the ways that branch off it.
    """

    def __init__(self, begun: tuple[int, ...] = ()) -> None:
        self.taken: list[int] = []
        self.untaken: list[tuple[int, ...]] = []
        self.probability = 1.0
        self._begun = begun

    def token(self, weights_BV: Tensor) -> Tensor:
        weights = _only(weights_BV)
        total = sum(weights)
        return torch.tensor([self._choose([weight / total for weight in weights])])

    def accepted(self, chances_BG: Tensor) -> Tensor:
        outcomes, reached = [], 1.0
        for chance in _only(chances_BG):
            outcomes.append(reached * (1 - min(1.0, chance)))
            reached *= min(1.0, chance)
        return torch.tensor([self._choose([*outcomes, reached])])

    def _choose(self, probabilities: list[float]) -> int:
        possible = [outcome for outcome, probability in enumerate(probabilities) if probability > 0]
        if len(self.taken) < len(self._begun):
            outcome = self._begun[len(self.taken)]
        else:
            outcome = possible[0]
            self.untaken += [(*self.taken, other) for other in possible[1:]]
        self.taken.append(outcome)
        self.probability *= probabilities[outcome]
        return outcome


class WayReset(Way):
    """The ways of `DrawnReset`: its one number lies in a part of [0, 1) that each acceptance narrows."""

    def __init__(self, begun: tuple[int, ...] = ()) -> None:
        super().__init__(begun)
        self._low, self._high = 0.0, 1.0

    def accepted(self, chances_BG: Tensor) -> Tensor:
        """Outcome n: the number lies below the first n chances and not below the next."""
        parts, high = [], self._high
        for chance in _only(chances_BG):
            parts.append((max(self._low, chance), high))
            high = min(high, max(self._low, chance))
        parts.append((self._low, high))
        width = self._high - self._low
        outcome = self._choose([max(0.0, above - below) / width for below, above in parts])
        self._low, self._high = parts[outcome]
        return torch.tensor([outcome])


def every_way(run: Callable[[Way], T], start: type[Way] = Way) -> Iterator[tuple[float, T]]:
    """(probability, result) of every way that `run` can go; the probabilities add up to 1.

    Args:
        run: asks its argument for every random choice, and depends on nothing else that changes.
    """
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        way = start(waiting.pop())
        result = run(way)
        yield way.probability, result
        waiting += way.untaken


def _only(rows: Tensor) -> list[float]:
    [row] = rows.tolist()
    return [float(value) for value in row]
