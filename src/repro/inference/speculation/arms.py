"""Which decoders are set beside one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from repro.inference.decoding.drawing import GREEDY, Drawing
from repro.inference.decoding.prompts import Prompts
from repro.inference.speculation.configurations import DRAFTS, LAYOUTS, MODEL, NGRAMS, SELF, Decoding, Generating
from repro.inference.speculation.given import GivenPair, GivenPrompts
from repro.inference.speculation.pair import Pair


def decoders(
    decoded: Callable[..., Decoding], layouts: Sequence[str], *, static: bool, own: bool
) -> dict[str, Decoding]:
    """Every draft, sampled and greedy, with weights in the first layout; then the draft model with them in the others.

    Args:
        decoded: the configuration but for `draft`, `drawing`, the layout of the weights and `static`.
        static: for the drafts that can be.
        own: without 5-grams, since the text that the target was trained on is not at hand.
    """
    ways = {"temperature 1": Drawing(), "greedy": GREEDY}
    found = {
        f"{kind}, {name}": decoded(
            draft=kind, drawing=way, static=static and kind in (MODEL, SELF), **LAYOUTS[layouts[0]]
        )
        for kind in DRAFTS
        for name, way in ways.items()
        if not (own and kind == NGRAMS)
    }
    return found | {f"{MODEL}, weights in {one}": decoded(static=static, **LAYOUTS[one]) for one in layouts[1:]}


def assisted(
    pair: Pair | GivenPair, prompts: Prompts | GivenPrompts, length: int, device: str
) -> dict[str, Generating]:
    """What `generate` of transformers offers on the same weights: its defaults, four tokens at a time, a look-up."""
    asked = partial(Generating, pair=pair, prompts=prompts, length=length, drawing=GREEDY, device=device)
    ways = {"model, defaults": asked(), "model": asked(drafted=4), "prompt lookup": asked(drafted=4, lookup=True)}
    return {f"transformers: {name}": way for name, way in ways.items()}
