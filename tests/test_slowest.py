"""What `.ci/run` says at its end, and the budget of a notebook that it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SLOWEST = Path(__file__).parents[1] / ".ci" / "slowest"


def slowest(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SLOWEST, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture
def report(tmp_path) -> Path:
    """Twelve notebooks of 8 to 19 CPU seconds, and one that failed."""
    ran = [{"notebook": f"notebook-{seconds}", "cpu_seconds": seconds} for seconds in range(8, 20)]
    path = tmp_path / "live.json"
    path.write_text(json.dumps([*ran, {"notebook": "broken", "failed": "planted"}]))
    return path


def test_the_ten_slowest_notebooks_are_named(report):
    said = slowest("notebooks", report).stdout

    assert [f"notebook-{seconds}" for seconds in range(19, 9, -1)] == [
        line.split()[-1] for line in said.splitlines()[2:]
    ]


def test_a_notebook_over_the_budget_fails_and_is_named(report):
    assert 0 == slowest("notebooks", report, 19).returncode

    over = slowest("notebooks", report, 18.5)
    assert 1 == over.returncode
    assert "over the budget of 18.5 CPU seconds: notebook-19\n" == over.stderr
    assert 0 == slowest("notebooks", report, 18.5, "notebook-19=20").returncode


def test_the_slowest_tests_of_several_files_are_named_with_their_seconds(tmp_path):
    for name, seconds in {"one": 1.5, "two": 2.5}.items():
        case = f'<testcase classname="tests.test_{name}" name="test_it" time="{seconds}"/>'
        (tmp_path / f"{name}.xml").write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")

    said = slowest("tests", tmp_path / "one.xml", tmp_path / "two.xml").stdout

    assert ["2.5  tests.test_two test_it", "1.5  tests.test_one test_it"] == [
        line.strip() for line in said.splitlines()[2:]
    ]
