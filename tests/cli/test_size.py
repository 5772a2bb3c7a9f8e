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
    assert by_file["model"].pop("name") == f"{tmp_path.name}/config.json"
    assert by_name == by_file
    assert 68_976_648_192 == by_name["parameters"]["total"]
    assert 1 == by_name["serving_cards"]["80 GB"]


def test_the_table_shows_what_planning_needs():
    """Parameters, both uses, and operations, with units."""
    shown = _invoke("mixtral-8x7b", "--context", "8192", "--batch", "4").stdout

    for part in ("46,702,792,704", "12.9B", "4 x 8,192 tokens", "key-value cache, 128.0 KiB a token", "GiB", "QLoRA"):
        assert part in shown


def test_a_path_of_any_length_is_shown_by_its_file_alone(tmp_path):
    """Titles and warnings stay readable; errors still say where the file lies."""
    folder = tmp_path.joinpath(*["a-long-name-of-a-folder"] * 8)
    folder.mkdir(parents=True)
    (folder / "mine.json").write_text(json.dumps({**published()["gpt2"].config, "n_positions": 8}))
    shown = _invoke(str(folder / "mine.json")).stdout

    assert shown.startswith("mine.json: parameters")
    assert "warning: mine.json was published for 8 tokens" in shown
    assert "a-long-name" not in shown


def test_a_format_that_is_not_read_is_said_and_counted_in_16_bits(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**published()["gpt2"].config, "quantization_config": {"quant_method": "quark"}}))
    found = json.loads(_invoke(str(path), "--json").stdout)

    assert 2 * found["parameters"]["total"] == found["serving_bytes"]["weights"]
    assert any("method 'quark' is not read: weights are counted in 16 bits" in one for one in found["warnings"])


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
