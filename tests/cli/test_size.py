"""`repro size` through the real command line."""

import json

import pytest
from typer.testing import CliRunner

from repro.cli import app
from repro.sizing.published import published


def _invoke(*arguments):
    return CliRunner().invoke(app, ["size", *arguments], env={"COLUMNS": "120"})


def test_a_config_file_and_a_name_print_the_same_numbers(tmp_path):
    """For programs, as JSON; the weights of Llama-2-70B in 4 bits fit one card of 80 GB."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(published()["llama-2-70b"].config))
    by_file, by_name = (
        json.loads(_invoke(source, "--dtype", "int4", "--json").stdout) for source in (str(path), "llama-2-70b")
    )

    assert by_name["model"].pop("name") == "llama-2-70b"
    assert by_file["model"].pop("name") == str(path)
    assert by_name == by_file
    assert 68_976_648_192 == by_name["parameters"]["total"]
    assert 1 == by_name["serving_cards"]["80 GB"]


def test_the_table_shows_what_planning_needs():
    """Parameters, both uses, and operations, with units."""
    shown = _invoke("mixtral-8x7b", "--context", "8192", "--batch", "4").stdout

    for part in ("46,702,792,704", "12.9B", "4 x 8,192 tokens", "key-value cache, 128.0 KiB a token", "GiB", "QLoRA"):
        assert part in shown


def test_a_context_beyond_the_published_one_is_warned_about():
    """Computed all the same."""
    result = _invoke("gpt2", "--context", "4096")

    assert 0 == result.exit_code
    assert "warning: gpt2 was published for 1,024 tokens" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["llama-9"], "llama-9 is neither a file nor a published model; the models are gpt2"),
        (["gpt2", "--dtype", "int5"], "no format is named 'int5'; known are fp32"),
        (["gpt2", "--context", "0"], "context is 0; expected at least 1"),
        (["gpt2", "--recompute", "some"], "recompute is 'some'; expected one of none, selective, full"),
    ],
)
def test_what_cannot_be_sized_is_refused_in_one_line(arguments, message):
    """Exit code 2, no traceback."""
    result = _invoke(*arguments)

    assert 2 == result.exit_code
    assert message in result.stderr
    assert "Traceback" not in result.output
