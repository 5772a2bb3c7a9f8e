"""What trials of objectives are of, and the arms that a page compares."""

from __future__ import annotations

from dataclasses import dataclass

from repro.training.objectives.configurations import Fitting, Objective

ARMS = {
    "causal": Objective(kind="causal"),
    "masked 80/10/10": Objective(kind="masked"),
    "masked 100/0/0": Objective(kind="masked", as_mask=1.0, as_random=0.0),
    "masked 80/0/20": Objective(kind="masked", as_random=0.0),
    "masked at all rates": Objective(kind="any rate"),
    "spans": Objective(kind="spans"),
    "whole line": Objective(kind="whole"),
}


@dataclass(frozen=True, kw_only=True)
class Left:
    """A model trained on an objective, and what is then asked of it.

    Fields: `looks` the steps at which tags are probed on the way; `probed` lines to which probes of tags are fitted,
    and as many on which they are judged; `topics` the same for probes of topics; `drawn` lines that it writes in each
    way that it can; `margin` words at each end of a line that no probe of tags reads.

    Raises:
        ValueError: looks that do not grow or reach beyond the training, or margins that leave no word.
    """

    fitting: Fitting
    looks: tuple[int, ...] = (50, 100, 150, 200, 300, 400, 600, 800)
    probed: int = 150
    topics: int = 1000
    drawn: int = 128
    margin: int = 4

    def __post_init__(self) -> None:
        if list(self.looks) != sorted(set(self.looks)) or not all(
            0 < look <= self.fitting.steps for look in self.looks
        ):
            raise ValueError(f"looks {self.looks}; expected growing steps, at most {self.fitting.steps}")
        if 2 * self.margin >= self.fitting.language.length:
            raise ValueError(f"margins of {self.margin} leave no word of lines of {self.fitting.language.length}")
