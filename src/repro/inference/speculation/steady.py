"""Speculation whose rounds have the same shapes wherever sequences stand, so that a GPU replays each.

B sequences, T time.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from repro.inference.decoding.choices import DrawnAhead
from repro.inference.decoding.drawing import Drawing
from repro.inference.decoding.lean import Lean
from repro.inference.speculation.drafting import Draft, Speculation
from repro.instruments.graphs import Replay, captured


def replayed(work: Callable[[], object], choices: DrawnAhead, numbers: int, device: str) -> Replay:
    """Work that makes its choices by so many numbers, as a graph on a GPU, behind the drawing of these."""

    def afresh() -> None:
        choices.rewind()
        work()

    again = captured(afresh)[0] if device == "cuda" else afresh

    def run() -> None:
        choices.draw(numbers)
        again()

    return run


class StaticSpeculation(Speculation):
    """Speculation whose rounds have the same shapes wherever their sequences stand, so that each is one graph.

    Its readers are static. It writes what `Speculation` writes, up to rounding.
    """

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
            self._graphs[wanted] = captured(self._advance(wanted), warm=False)

    def begin(self, prompt_BT: Tensor, seed: int = 0) -> None:
        """See `Speculation`; `seed` of the choices."""
        self.choices.generator.manual_seed(seed)
        super().begin(prompt_BT)

    def advance(self, wanted: int) -> tuple[int, Tensor]:
        """See `Speculation`; chance takes a number a drafted token, one an acceptance, one the token after them."""
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
