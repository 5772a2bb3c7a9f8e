"""The five articles whose claims the book checks, and where they disagree, as experiments/articles.toml states them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass

from repro.bookkeeping.ledger import Claim
from repro.floor.faults import fault
from repro.floor.toml_files import load_toml

STRICT = ConfigDict(strict=True)


@dataclass(frozen=True, config=STRICT)
class Section:
    """A heading of an article ("Part / Section") and the claims made under it, in order."""

    heading: str
    claims: tuple[str, ...]


@dataclass(frozen=True, config=STRICT)
class Article:
    """An article by its letter: title, a sentence of ours about it, and its claims in its own order.

    Fields: `words` by claim an exact piece of the article, of one sentence at most, where one is quoted.
    """

    letter: str
    title: str
    about: str
    sections: tuple[Section, ...]
    words: Mapping[str, str]

    @property
    def page(self) -> str:
        """Its page in the book, without a file's ending."""
        return f"articles/{self.letter.lower()}"

    @property
    def claims(self) -> list[str]:
        return [claim for section in self.sections for claim in section.claims]

    def section_of(self, claim: str) -> str:
        """The heading under which the article makes a claim first."""
        return next((section.heading for section in self.sections if claim in section.claims), "")


@dataclass(frozen=True, config=STRICT)
class Disagreement:
    """Claims that cannot all hold, and a sentence of ours that says how they clash."""

    about: str
    claims: tuple[str, ...]


def load_articles(path: Path, ledger: Mapping[str, Claim]) -> tuple[list[Article], list[Disagreement]]:
    """Articles by letter and the disagreements in their order; no file, no articles.

    Raises:
        ValueError: a claim that the ledger does not have, or a missing entry, named with its place.
    """
    if not path.is_file():
        return [], []
    entries = load_toml(path)
    try:
        clashes = [Disagreement(e["about"], tuple(e["claims"])) for e in entries.pop("disagreements", [])]
        articles = [
            Article(
                letter,
                e["title"],
                e["about"],
                tuple(Section(s["section"], tuple(s["claims"])) for s in e["order"]),
                e.get("words", {}),
            )
            for letter, e in sorted(entries.items())
        ]
    except KeyError as missing:
        raise ValueError(f"{path}: an entry lacks {missing}; an article has title, about and order") from missing
    except (TypeError, AttributeError, ValidationError) as error:
        raise ValueError(
            f"{path}: an entry is of another kind ({fault(error)}); title and about are texts, the others lists"
        ) from error
    if odd := [article.letter for article in articles if not re.fullmatch("[A-Z]", article.letter)]:
        raise ValueError(f"{path}: [{odd[0]!r:.40}] is no article; expected a capital letter")
    for named in [*(c for a in articles for c in a.claims), *(c for d in clashes for c in d.claims)]:
        if named not in ledger:
            raise ValueError(f"{path} names {named!r}, which is no claim of the ledger")
    for article in articles:
        if strange := sorted(article.words.keys() - set(article.claims)):
            raise ValueError(
                f"{path}: [{article.letter}.words] quotes {strange[0]!r}, which {article.letter} does not say"
            )
    return articles, clashes
