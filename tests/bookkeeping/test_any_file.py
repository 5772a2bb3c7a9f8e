"""Whatever lies in a record, ledger, table or archive, reading it gives what it says or one sentence: no traceback."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ordeal import trial
from small_book import ARTICLES, CLAIMS

from repro.bookkeeping.archive import unpacked
from repro.bookkeeping.campaign.slices import load_slices
from repro.bookkeeping.knobs import check_parameters, read_parameters
from repro.bookkeeping.ledger import load_chapter, load_ledger
from repro.bookkeeping.ledger.verdict_files import load_changelog, load_verdicts, same_verdict
from repro.bookkeeping.records import BrokenRecordError, Record, merge, read_record, record_of
from repro.bookkeeping.records.record import text_of
from repro.bookkeeping.site.articles import load_articles
from repro.floor.scale import load_help, load_scales

EXAMPLES = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DEEP = "[" * 5000
NUMBERS = st.one_of(st.floats(), st.integers(), st.sampled_from([0, -1, 1e308, 10**400, -0.0]))
WORDS = st.one_of(st.text(max_size=8), st.sampled_from(["", "2026-01-01", "supported", "cpu", "\ud800", "a\nb", "inf"]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=8,
)
CLUTTER = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.just(DEEP.encode()),
    JSON.map(json.dumps).map(str.encode),
)

RECORD = json.loads(text_of(record_of(trial(1), {"sum": 0.5, "draws": [1, 2]}, {"device": "here", "seconds": 1.0})))
VERDICTS = {
    "chapter": "tiny",
    "verdicts": {
        "sums-are-large": {
            "cpu": {
                "outcome": "supported",
                "estimate": {"value": 3.0, "low": 2.5, "high": None, "level": 0.99, "n": 5, "unit": "", "method": "t"},
                **dict.fromkeys(("reason", "scope", "notebook"), "words"),
                "date": "2026-01-01",
            }
        }
    },
}
CHANGE = {"date": "2026-01-01", "claim": "a", "chapter": "tiny", "scale": "cpu", "before": None, "after": "open"}
SCALES = """
[knobs]
n = "a number"
of = "names"
[smoke]
scope = "small"
n = 1
of = ["a"]
[cpu]
scope = "large"
n = 2
of = []
"""
SLICES = """
[[slice]]
notebook = "tiny"
within = 5
settles = ["a"]
operations = 1e9
flops_per_second = 1e12
launches = 0
knobs = { n = 3 }
"""


def places_in(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value inside a value, itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for name, part in inner for path in [(*above, name), *places_in(part, (*above, name))]]


@st.composite
def spoiled(draw: st.DrawFn, whole: Any) -> Any:
    """A value with one or two of its parts replaced by any others, taken away, or called another name."""
    copy = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 2))):
        *above, name = draw(st.sampled_from(places_in(copy) or [("", "x")]))
        at = copy
        for step in above:
            at = at[step] if step != "" else {}
        match draw(st.integers(0, 3)):
            case 0:
                del at[name]
            case 1 if isinstance(at, dict):
                at[draw(WORDS)] = at.pop(name)
            case _:
                at[name] = draw(JSON)
    return copy


@st.composite
def spoiled_toml(draw: st.DrawFn, whole: str) -> bytes:
    """A TOML file with some of its lines cut, doubled, or given another value."""
    lines = whole.splitlines()
    values = [
        "nan",
        "-inf",
        "1e999",
        "''",
        "[]",
        "{}",
        "[[1]]",
        "true",
        "1979-05-27",
        '"\\u0001"',
        "0x10",
        '"<b>"',
        DEEP,
    ]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        name = lines[place].partition("=")[0]
        other = draw(st.one_of(st.sampled_from(values), st.text(max_size=10)))
        changed = [
            f"{name}= {other}",
            lines[place] * 2,
            lines[place][: len(lines[place]) // 2],
            f"[{other}]",
            f"{other} = 1",
        ]
        lines[place] = draw(st.sampled_from(changed))
    return "\n".join(lines).encode("utf-8", "replace")


def read(reader: Callable[[Path], Any], path: Path, contents: bytes, refusal: Any = ValueError) -> Any:
    """What a reader makes of a file's contents; None where it refuses them, in one sentence that names the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)
    try:
        return reader(path)
    except refusal as error:
        told = str(error)
        assert str(path) in told
        assert 1 == len(told.splitlines())
        assert told.encode()
        return None


@EXAMPLES
@given(st.one_of(CLUTTER, spoiled(RECORD).map(json.dumps).map(str.encode)))
def test_any_record(tmp_path, contents):
    """What is taken for a record holds plain numbers, is named rightly, and is as it was written."""
    record = read(read_record, tmp_path / "ordeal" / f"{trial(1).key}.json", contents, BrokenRecordError)

    assert record is None or isinstance(record, Record)
    with TemporaryDirectory() as ours:
        report = merge(tmp_path, Path(ours))
    assert [record is not None, record is None] == [report.new == 1, len(report.malformed) == 1]


@EXAMPLES
@given(st.one_of(CLUTTER, spoiled(VERDICTS).map(json.dumps).map(str.encode)))
def test_any_verdict_file(tmp_path, contents):
    """A verdict that is read has an estimate, and equals itself."""
    verdicts = read(lambda path: load_verdicts(tmp_path), tmp_path / "verdicts" / "tiny.json", contents) or {}

    assert all(same_verdict(one, one) for by_scale in verdicts.values() for one in by_scale.values())


@EXAMPLES
@given(
    st.one_of(
        CLUTTER, st.lists(spoiled(CHANGE), max_size=3).map(lambda lines: "\n".join(map(json.dumps, lines)).encode())
    )
)
def test_any_changelog(tmp_path, contents):
    read(lambda path: load_changelog(tmp_path), tmp_path / "verdicts" / "changelog.jsonl", contents)


@EXAMPLES
@given(st.one_of(CLUTTER, spoiled_toml(CLAIMS)))
def test_any_ledger(tmp_path, contents):
    for claim in (read(load_chapter, tmp_path / "tiny" / "claims.toml", contents) or {}).values():
        assert claim.says is not None and claim.anchor.removeprefix("claim-") == claim.id


@EXAMPLES
@given(st.one_of(CLUTTER, spoiled_toml(SCALES)))
def test_any_table_of_scales(tmp_path, contents):
    """Every knob that is read takes its own value."""
    scales = read(load_scales, tmp_path / "scales.toml", contents) or {}
    read(load_help, tmp_path / "scales.toml", contents)

    for scale, setting in scales.items():
        check_parameters({"scale": str(scale), **setting.knobs}, scales)


@EXAMPLES
@given(st.one_of(CLUTTER, spoiled_toml(ARTICLES)))
def test_any_table_of_articles(tmp_path, contents):
    (tmp_path / "tiny").mkdir(exist_ok=True)
    (tmp_path / "tiny" / "claims.toml").write_text(CLAIMS)
    ledger = load_ledger(tmp_path)

    read(lambda path: load_articles(path, ledger), tmp_path / "articles.toml", contents)


@EXAMPLES
@given(st.one_of(CLUTTER, spoiled_toml(SLICES)))
def test_any_table_of_slices(tmp_path, contents):
    (tmp_path / "tiny").mkdir(exist_ok=True)
    (tmp_path / "tiny" / "tiny.ipynb").touch()

    for one in read(load_slices, tmp_path / "campaign.toml", contents, (ValueError, LookupError)) or []:
        assert one.predicted >= 0


@settings(EXAMPLES, max_examples=300)
@given(
    st.text(max_size=8),
    st.one_of(st.text(max_size=12), JSON.map(json.dumps), st.text("[]{},:'\"&*!|>%@`#-~e10.", max_size=9)),
)
def test_any_parameter(name, value):
    declared = tomllib.loads('text = ""\nnumber = 1.5\nnumbers = [1.5]\ntexts = ["a"]')
    for knob in (name, *declared):
        try:
            given = read_parameters([f"{knob}={value}"], declared)
        except ValueError as error:
            assert str(error).startswith("-p ")
        else:
            assert knob != "text" or isinstance(given["text"], str | None)


def archive_of(members: list[tuple[str, bytes, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as opened:
        for name, kind, contents in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(contents), "/etc/passwd"
            opened.addfile(member, io.BytesIO(contents))
    return packed.getvalue()


NAMES = st.sampled_from(
    [
        "records",
        f"records/ordeal/{trial(1).key}.json",
        "../up.json",
        "/tmp/up.json",
        "records/ordeal",
        "a/b.json",
        "a//../b",
        "\x00",
    ]
)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
MEMBERS = st.lists(st.tuples(NAMES, KINDS, st.binary(max_size=60)), max_size=4).map(archive_of)


@EXAMPLES
@given(st.one_of(CLUTTER, CLUTTER.map(gzip.compress), MEMBERS), st.integers(0, 400), st.binary(max_size=3))
def test_any_archive(tmp_path, contents, place, splinter):
    """It is taken in or refused, and writes nothing outside of its own folder."""

    def names(path: Path) -> list[str]:
        with unpacked(path) as folder:
            return sorted(str(found.relative_to(folder)) for found in folder.rglob("*"))

    beside = tmp_path / "records.tar.gz"
    for packed in (contents, contents[:place] + splinter + contents[place + len(splinter) :]):
        assert all(name.startswith("records") for name in read(names, beside, packed) or [])
        assert [beside] == list(tmp_path.iterdir())
