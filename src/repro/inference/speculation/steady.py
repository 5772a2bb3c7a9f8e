"""Speculation whose rounds do the same work wherever their sequences stand, so that a GPU can replay it.

B sequences, T time.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from repro.inference.decoding.choices import DrawnAhead
from repro.inference.decoding.configurations import Drawing
from repro.inference.decoding.lean import Lean
from repro.inference.speculation.drafting import Draft, Speculation
from repro.instruments.graphs import Replay, capture


def run_afresh(work: Callable[[], object], choices: DrawnAhead, numbers: int, device: str) -> Replay:
    """A function that draws `numbers` random numbers and then does `work` by them, on a GPU by replaying its graph."""

    def afresh() -> None:
        choices.rewind()
        work()

    replay = capture(afresh)[0] if device == "cuda" else afresh

    def run() -> None:
        choices.draw(numbers)
        replay()

    return run


class StaticSpeculation(Speculation):
    """Speculation by static readers, on a GPU a graph per round; it writes what `Speculation` does, up to rounding."""

    choices: DrawnAhead

    def __init__(
        self, target: Lean, draft: Draft, prompt_BT: Tensor, *, length: int, longest: int, drawing: Drawing
    ) -> None:
        """Read the prompt, and on a GPU capture rounds of 0 to `longest` drafted tokens; then `begin`.

        Raises:
            ValueError: a reader that is not static.
        """
        if not target.static:
            raise ValueError("a target whose passes depend on where its sequences stand; give Lean(..., static=True)")
        device = prompt_BT.device.type
        choices = DrawnAhead(0, device, most=len(prompt_BT) * (2 * longest + 1))
        self._graphs: dict[int, tuple[Replay, tuple[int, Tensor]]] = {}
        super().__init__(target, draft, prompt_BT, length=length, longest=longest, drawing=drawing, choices=choices)
        for wanted in range(longest + 1 if device == "cuda" else 0):
            self.advance(wanted)  # as it is, which warms up
            self._graphs[wanted] = capture(self._advance(wanted), warm=False)

    def begin(self, prompt_BT: Tensor, seed: int = 0) -> None:
        """As in `Speculation`, with choices drawn from `seed`."""
        self.choices.generator.manual_seed(seed)
        super().begin(prompt_BT)

    def advance(self, wanted: int) -> tuple[int, Tensor]:
        """As in `Speculation`, on numbers drawn beforehand: two per drafted token and one for the token after them."""
        self.choices.draw(len(self.lengths_B) * (2 * wanted + 1))
        if wanted not in self._graphs:
            return self._advance(wanted)()
        replay, (drafted, accepted_B) = self._graphs[wanted]
        replay()
        return drafted, accepted_B.clone()

    def _advance(self, wanted: int) -> Callable[[], tuple[int, Tensor]]:
        def work() -> tuple[int, Tensor]:
            self.choices.rewind()
            return super(StaticSpeculation, self).advance(wanted)

        return work
