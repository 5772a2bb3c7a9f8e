"""A word of the glossary leads to its entry where a page first uses it in running text, and nowhere else."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup


@pytest.fixture(scope="module")
def terms(html):
    """By page the links to the glossary in its article."""

    def of(name: str):
        page = BeautifulSoup((html / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        return page.select("article a.repro-term")

    return of


def test_each_entry_is_linked_once_where_it_is_first_used(terms):
    """The method speaks of intervals, seeds and regions throughout."""
    addresses = [link["href"] for link in terms("method")]

    assert {"glossary.html#term-interval", "glossary.html#term-region"} <= set(addresses)
    assert len(addresses) == len(set(addresses))


def test_no_heading_no_code_and_not_the_glossary_itself_is_linked(terms):
    links = [link for name in ("method", "rerun", "ledger", "chapters/small", "index") for link in terms(name)]

    assert links
    assert [] == [link for link in links if link.find_parent(["h1", "h2", "h3", "h4", "code", "pre"])]
    assert [] == terms("glossary")
