"""An estimate: a number with the interval that says how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

LEVEL = 0.99  # with hundreds of claims, 95 % intervals would let many false verdicts through


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval.

    Fields: `level` the nominal coverage of [low, high]; `n` the number of independent things averaged over;
    `method` how the interval was made. `low` or `high` may be infinite where a side is not bounded.
    """

    value: float
    low: float
    high: float
    level: float = LEVEL
    n: int = 1
    unit: str = ""
    method: str = ""

    def __post_init__(self) -> None:
        if any(math.isnan(x) for x in (self.value, self.low, self.high)):
            raise ValueError(f"{self} holds NaN; an estimate that could not be made is not an estimate")
        if not self.low <= self.high:
            raise ValueError(f"low {self.low} lies above high {self.high}")
        if not 0 < self.level < 1:
            raise ValueError(f"level {self.level}; expected a share between 0 and 1, such as 0.99")
        if self.n < 1:
            raise ValueError(f"n = {self.n}; an estimate rests on at least one observation")

    @classmethod
    def exact(cls, value: float, unit: str = "", method: str = "exact") -> Estimate:
        """A number without uncertainty: arithmetic or a theorem's closed form."""
        return cls(float(value), float(value), float(value), unit=unit, method=method)

    def through(self, function: Callable[[float], float], unit: str = "") -> Estimate:
        """The estimate of a monotone function of this quantity: quantiles pass through it unchanged."""
        value, *ends = (float(function(x)) for x in (self.value, self.low, self.high))
        return Estimate(value, min(ends), max(ends), self.level, self.n, unit, self.method)

    @property
    def is_exact(self) -> bool:
        """Whether the interval has no width."""
        return self.low == self.high

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it: an unbounded side is None."""
        return {k: None if isinstance(v, float) and math.isinf(v) else v for k, v in asdict(self).items()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Estimate:
        """The inverse of `plain`."""
        low = -math.inf if plain["low"] is None else plain["low"]
        high = math.inf if plain["high"] is None else plain["high"]
        return cls(**{**plain, "low": low, "high": high})
