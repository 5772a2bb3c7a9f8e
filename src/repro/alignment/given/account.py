"""The account of given pairs: what reading did to the rows of a file, and which pairs the given model can take."""

from __future__ import annotations

import json
from collections.abc import Sequence

from repro.alignment.given.forms import Preference
from repro.alignment.given.preferences import GOLD, GivenPairs
from repro.alignment.given.texts import Cutter, behind_prompt, cut_pairs, reward_function
from repro.models.given import GivenModel
from repro.models.library.vocabularies import tokeniser_of

DONE = {  # what reading did to a row, in words
    "shared": "the prompt is the beginning that both replies share",
    "user": "the prompt, a text, is the user's message of a conversation",
    "parsed": "a text held a conversation, as JSON: parsed",
    "repeated": "a reply began with the whole prompt: cut off",
    "halves": "half of a character, which no tokeniser takes: replaced by U+FFFD",
    "turns": "a reply has several turns: DPO and the reward model learn from all of it; policies write one message",
    "joined": "no blank stands between prompt and reply: joined as they are",
    "equal": "both replies are equal, so nothing is preferred: left out",
    "empty": "the prompt, a reply or a message is empty: left out",
}


def account_of(
    model: GivenModel, given: GivenPairs, reward: GivenModel | str, *, prompt: int, reply: int
) -> list[dict[str, object]]:
    """What became of rows: a sentence, a number of rows, and where the first of them stands.

    Args:
        prompt, reply: the most tokens of each.

    Raises:
        ValueError: the model or the judge cannot take the pairs, or too few are short enough.
    """
    reading = given.reading()
    pairs = reading.pairs
    cut = cut_pairs(Cutter(model.folder(), model.name, talk=pairs[0].talk), pairs, prompt, reply)
    _refuse_unjudged(reward, [pairs[n] for n in cut.short])
    told: list[tuple[str, Sequence[str]]] = [("pairs in use", [pairs[n].where for n in cut.short])]
    told += [(f"{why}: left out", [pairs[n].where for n in numbers]) for why, numbers in cut.left_out.items()]
    told += [("a copy of an earlier pair: kept", _copies(pairs))]
    told += [(DONE.get(what, what), places) for what, places in reading.places.items()]
    told += [(f"the column {name} was not read", places) for name, places in reading.unread.items()]
    return [
        {"what": what, "rows": len(places), "first": places[0].rpartition(", ")[2]} for what, places in told if places
    ]


def _refuse_unjudged(reward: GivenModel | str, pairs: Sequence[Preference]) -> None:
    """Refuse pairs that the judge cannot read: words that gold does not know, or roles that a chat template refuses."""
    if not isinstance(reward, GivenModel):
        reward_function(GOLD, pairs)
        return
    tokeniser = tokeniser_of(reward.folder(), reward.name)
    orders = {
        tuple(message["role"] for message in pair.prompt): pair for pair in pairs if not isinstance(pair.prompt, str)
    }
    for pair in orders.values():
        behind_prompt(tokeniser, reward.name, pair.prompt, "", ended=True)


def _copies(pairs: Sequence[Preference]) -> list[str]:
    """Where pairs stand that stood before."""
    first: dict[str, str] = {}
    return [
        pair.where
        for pair in pairs
        if first.setdefault(json.dumps(pair.row(), sort_keys=True), pair.where) != pair.where
    ]
