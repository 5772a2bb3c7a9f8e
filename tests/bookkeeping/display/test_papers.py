"""Where a figure comes from: what names a paper leads to it, and nothing else does."""

from __future__ import annotations

import re

import pytest

from repro.bookkeeping.display.papers import linked


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        ("Ainslie et al. 2023 (arXiv:2305.13245), fig. 3", ["https://arxiv.org/abs/2305.13245"]),
        ("arXiv:2001.08361, 2203.15556", ["https://arxiv.org/abs/2001.08361", "https://arxiv.org/abs/2203.15556"]),
        ("arXiv:2305.13245v2.", ["https://arxiv.org/abs/2305.13245"]),
        ("doi:10.7554/eLife.71601, table 2", ["https://doi.org/10.7554/eLife.71601"]),
        ("the report (https://example.org/a.pdf)", ["https://example.org/a.pdf"]),
        ("Lambda Labs 2020, 1024.50000 dollars & 3.14 times, 28 TFLOPS", []),
    ],
)
def test_each_paper_that_is_named_by_a_number_is_linked(words, addresses):
    html = linked(words)

    assert addresses == re.findall(r'href="([^"]+)"', html)
    assert words.replace("&", "&amp;") == re.sub(r"<[^>]+>", "", html)
