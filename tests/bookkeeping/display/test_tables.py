"""A table that is too wide for a page is turned where that helps, and its columns are called in words."""

from __future__ import annotations

import re

import pandas as pd

from repro.bookkeeping.display.cards import MOST_COLUMNS, data_table


def heads(html: str) -> list[str]:
    return re.findall(r'<th scope="col"[^>]*>(.*?)</th>', html)


def test_a_wide_short_table_is_turned_and_keeps_every_number():
    frame = pd.DataFrame({"batch": [1, 8], "kept": [True, False], **{f"ms_{n}": [n / 4, n] for n in range(8)}})
    turned = data_table(frame, "Times.")

    assert ["batch", "1", "8"] == heads(turned)
    assert '<th scope="row">ms 3</th><td class="repro-number">0.75</td><td class="repro-number">3</td>' in turned
    assert '<th scope="row">kept</th><td class="repro-number">True</td>' in turned


def test_rows_are_told_apart_by_as_many_columns_as_that_takes():
    frame = pd.DataFrame({"batch": [1, 1], "context": [64, 512], **{f"x{n}": [n, n] for n in range(8)}})

    assert ["batch, context", "1, 64", "1, 512"] == heads(data_table(frame, "Times."))


def test_a_table_that_fits_or_is_long_stays_as_it_is():
    narrow = pd.DataFrame({"learning_rate": [0.1], "KL, nats": [2.0]})
    long = pd.DataFrame({f"x{n}": range(40) for n in range(MOST_COLUMNS + 1)})

    assert ["learning rate", "KL, nats"] == heads(data_table(narrow, "Two."))
    assert list(long.columns) == heads(data_table(long, "Many."))
