"""Questions whose phrasings are templates, so that it is known which two mean the same, and a cache that guesses it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from repro.floor.arrays import Array
from repro.inference.serving.reuse.configurations import THRESHOLDS, Questions

CITIES = (
    "rome",
    "oslo",
    "paris",
    "berlin",
    "madrid",
    "vienna",
    "lisbon",
    "dublin",
    "athens",
    "prague",
    "warsaw",
    "riga",
)
GOODS = (
    "kettle",
    "toaster",
    "lamp",
    "chair",
    "laptop",
    "camera",
    "phone",
    "heater",
    "drill",
    "blender",
    "printer",
    "fan",
)
ONE_THING = (  # what the slot of an intent holds, and its phrasings
    (CITIES, "what is the weather in {}", "how is the weather in {} today", "weather for {}", "{} weather now"),
    (CITIES, "when does the shop in {} open", "opening hours of the {} shop", "how early can i visit your shop in {}"),
    (CITIES, "do you deliver to {}", "is delivery to {} possible", "can you ship my order to {}", "shipping to {}"),
    (GOODS, "how much is a {}", "what does a {} cost", "price of a {}", "tell me the price of the {}"),
    (GOODS, "how do i return a {}", "i want to send back my {}", "can i give back the {}", "returning a {}"),
    (GOODS, "my {} is broken", "the {} does not work", "how can i get my {} repaired", "repair of a {}"),
)
TWO_THINGS = (
    (CITIES, "how do i get from {} to {}", "train from {} to {}", "which train goes from {} to {}"),
    (CITIES, "is {} larger than {}", "does {} have more people than {}", "is {} bigger than {}"),
    (GOODS, "is a {} heavier than a {}", "does a {} weigh more than a {}", "weight of a {} against a {}"),
)
BEFORE = ("", "hi", "hello", "please", "excuse me")
BEHIND = ("", "please", "thanks", "thank you")

Meaning = tuple[int, tuple[str, ...]]


def drawn_questions(config: Questions, seed: int) -> tuple[list[str], list[Meaning]]:
    """Texts and meanings: a meaning by Zipf's law, its phrasing and what stands around it evenly."""
    rng = np.random.default_rng([seed, 29])
    intents = ONE_THING if config.asked == "one thing" else ONE_THING + TWO_THINGS
    meanings: list[Meaning] = []
    for number, (words, *_) in enumerate(intents):
        one = number < len(ONE_THING)
        meanings += [
            (number, (a,) if one else (a, b)) for a in words for b in (words[:1] if one else words) if one or a != b
        ]
    order = rng.permutation(len(meanings))
    chance = (1 + np.arange(len(meanings))) ** -config.exponent
    drawn = [meanings[order[rank]] for rank in rng.choice(len(meanings), config.count, p=chance / chance.sum())]
    texts = [str(rng.choice(intents[number][1:])).format(*slots) for number, slots in drawn]
    if config.greeted:
        texts = [f"{rng.choice(BEFORE)} {text} {rng.choice(BEHIND)}".strip() for text in texts]
    return texts, drawn


def similarities(texts: list[str], features: str) -> Array:
    """(n, n) cosines of the texts' counts, each weighted by the logarithm of how rare its feature is among them."""
    counts = [Counter(_features(text, features)) for text in texts]
    known = {name: place for place, name in enumerate(sorted(set().union(*counts)))}
    table = np.zeros((len(texts), len(known)))
    for row, count in enumerate(counts):
        for name, times in count.items():
            table[row, known[name]] = times
    table *= np.log((1 + len(texts)) / (1 + (table > 0).sum(axis=0))) + 1
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    cosines: Array = table @ table.T
    return cosines


def _features(text: str, features: str) -> list[str]:
    words = text.split()
    return words if features == "words" else words + [f"{a} {b}" for a, b in pairwise(words)]


def answered(texts: list[str], meanings: list[Meaning], cosines: Array, threshold: float) -> tuple[float, float]:
    """Shares of the questions that the cache answers, and answers wrongly.

    A text that was answered by the model is answered again by the same; one whose nearest such text is at least as
    near as the threshold, by that one's answer. Only what the model answered is kept.
    """
    kept: dict[str, int] = {}
    places = np.empty(len(texts), dtype=int)
    hits = wrong = 0
    for place, text in enumerate(texts):
        nearest = kept.get(text)
        if nearest is None and kept:
            best = places[cosines[place, places[: len(kept)]].argmax()]
            nearest = int(best) if cosines[place, best] >= threshold else None
        if nearest is None:
            places[len(kept)] = kept[text] = place
        else:
            hits += 1
            wrong += meanings[nearest] != meanings[place]
    return hits / len(texts), wrong / len(texts)


def cache_curve(config: Questions, seed: int) -> dict[str, list[float] | float]:
    """`answered` and `wrong` at each of the thresholds, and `exact` where only the same text is answered again."""
    texts, meanings = drawn_questions(config, seed)
    cosines = similarities(texts, config.features)
    shares = [answered(texts, meanings, cosines, threshold) for threshold in THRESHOLDS]
    return {
        "answered": [share for share, _ in shares],
        "wrong": [share for _, share in shares],
        "exact": answered(texts, meanings, cosines, np.inf)[0],
    }
