"""The source that a page shows is that of the function that runs, and showing it imports nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from repro.adaptation.measurements import one_step
from repro.bookkeeping.display.source import source_of
from repro.statistics import student_t


def test_a_function_and_its_dotted_name_show_the_same_text():
    assert source_of(student_t) == source_of(f"{student_t.__module__}.student_t")


def test_a_dotted_name_is_shown_without_importing_its_module():
    """A page that only shows code needs no torch, nor anything else that the code needs."""
    name = "repro.models.fewer_heads.with_fewer_heads"
    program = (
        "import sys; from repro.bookkeeping.display.source import source_of\n"
        f"[source] = source_of({name!r})\n"
        "assert source.text.startswith('def with_fewer_heads(')\n"
        "assert source.text.endswith('return converted.eval()\\n')\n"
        "assert not {'torch', 'repro.models.fewer_heads'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True)


def test_behind_a_measurement_stands_the_function_that_does_its_work():
    door, work = source_of(one_step)

    assert door.text.startswith("@measurement(")
    assert ("repro.adaptation.steps.count_step", "def ") == (work.name, work.text[:4])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("repro.models.nowhere.f", "there is no module 'repro.models.nowhere'"),
        ("repro.models.fewer_heads.f", "defines no function or class 'f'"),
        ("f", "there is no module ''"),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_what_is_missing(name: str, words: str):
    with pytest.raises(LookupError, match=words):
        source_of(name)
