"""Bad text made by rule: notices, tables, advertisements, and good passages with their order or their variety lost.

What is made up is made of two halves of a stock, one for the raw mix and one for the test, so that a filter cannot know
the test's sentences by heart.
"""

from __future__ import annotations

import re

import numpy as np

_CLAUSES = (
    "All rights reserved. No part of this {thing} may be reproduced without the prior written permission of {owner}.",
    'THIS {THING} IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED.',
    "By continuing to use this {thing} you accept our terms of service and our privacy policy.",
    "Redistribution and use of this {thing}, with or without modification, are permitted provided that this notice is "
    "retained.",
    "We use cookies to improve your experience. You can change your settings at any time.",
    "In no event shall {owner} be liable for any claim, damages or other liability arising from the {thing}.",
    "{owner} may change these terms at any time. Your continued use means that you agree to the changes.",
    "You should have received a copy of the licence along with this {thing}; if not, write to {owner}.",
    "Copyright {year} {owner}. Trademarks are the property of their respective owners.",
    "Neither the name of {owner} nor the names of its contributors may be used to endorse a {thing}.",
    "This {thing} may contain confidential information. If you received it in error, please delete it.",
    "Subscribe to our newsletter. Unsubscribe at any time. Contact {owner} for details.",
)
_THINGS = ("software", "document", "site", "file", "work", "service", "material", "product")
_OWNERS = ("the authors", "Acme Corporation", "the copyright holder", "Example Ltd", "the publisher", "Foo Foundation")
_GOODS = (
    *("watches", "shoes", "loans", "pills", "casino bonuses", "followers", "handbags", "insurance", "diets", "phones"),
    *("tickets", "mattresses", "vitamins", "sunglasses", "ringtones", "hosting"),
)
_CALLS = (
    "Buy cheap {goods} online now!!!",
    "Best {goods} 2024, free shipping worldwide.",
    "Click here: http://{goods}-deals.example/?ref={year}",
    "100% guaranteed {goods}, limited offer, order today!",
    "{goods} {goods} {goods} discount {goods} sale",
    "You won't believe these {goods}. Doctors hate it.",
    "Make $${year} a week with {goods} from home.",
    "Top 10 {goods} | {goods} reviews | cheap {goods}",
)
_CYRILLIC = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "абцдефгхийклмнопярстувшхызАБЦДЕФГХИЙКЛМНОПЯРСТУВШХЫЗ"
)
_DOCSTRING = re.compile(r'"""(.+?)"""', re.DOTALL)
_COMMENT = re.compile(r'#[^\n]*|""".*?"""', re.DOTALL)


def made_bad(kind: str, passage: str, half: int, rng: np.random.Generator) -> str:
    """A bad text of a kind, about as long as the good passage that it replaces, of half 0 or 1 of the stock."""
    if kind == "word salad":
        words = passage.split(" ")
        return " ".join(words[place] for place in rng.permutation(len(words)).tolist())
    if kind in ("shuffled lines", "repeated lines"):
        lines = passage.splitlines()
        count = len(lines)
        places = rng.permutation(count) if kind == "shuffled lines" else rng.integers(min(3, count), size=count)
        return "\n".join(lines[place] for place in places.tolist())
    make = {"notices": _notice, "advertisements": _advertisement, "tables": _table_row}[kind]
    parts = [make(half, rng)]
    while sum(map(len, parts)) < len(passage):
        parts.append(make(half, rng))
    return "\n".join(parts)[: len(passage)]


def prose_of(text: str, length: int) -> str:
    """The long comments in prose of a source file, without their code: good text that is no code."""
    whole = "\n".join(part.strip() for part in _DOCSTRING.findall(text) if ">>>" not in part and len(part) > 200)
    return re.sub(r"\n[ \t]+", "\n", whole)[:length]


def in_another_alphabet(passage: str) -> str:
    """The passage with its comments in Cyrillic letters, letter by letter: code as others comment it."""
    return _COMMENT.sub(lambda comment: comment.group().translate(_CYRILLIC), passage)


def _notice(half: int, rng: np.random.Generator) -> str:
    thing, owner = _one_of(_THINGS, half, rng), _one_of(_OWNERS, half, rng)
    year = int(rng.integers(1990, 2025))
    return _one_of(_CLAUSES, half, rng).format(thing=thing, THING=thing.upper(), owner=owner, year=year)


def _advertisement(half: int, rng: np.random.Generator) -> str:
    year = int(rng.integers(100, 9000))
    return _one_of(_CALLS, half, rng).replace("$$", "$").format(goods=_one_of(_GOODS, half, rng), year=year)


def _table_row(half: int, rng: np.random.Generator) -> str:
    """Numbers as a program writes them: hexadecimal in one half, decimal in the other."""
    values = rng.integers(0, 2**16, 8).tolist()
    return ", ".join(f"0x{value:04x}" if half else f"{value / 1000:.3f}" for value in values) + ","


def _one_of(stock: tuple[str, ...], half: int, rng: np.random.Generator) -> str:
    own = stock[half::2]
    return own[int(rng.integers(len(own)))]
