"""Records: whole or absent, the first writer wins, merged without loss, stale ones found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest
from ordeal import trial

from repro.bookkeeping.records import (
    BrokenRecordError,
    Record,
    RecordStore,
    give_digests,
    merge,
    prune,
    read_record,
    record_of,
    soundness,
    stale_records,
)

ROOMS = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]


def record(number: int, value: float = 0.5, **fields: object) -> Record:
    made = record_of(trial(number), {"sum": value, "draws": [1, 2]}, {"device": "here"})
    return replace(made, **fields)


def filled(folder: Path, numbers, value: float = 0.5) -> RecordStore:
    store = RecordStore(folder)
    for number in numbers:
        store.put(record(number, value))
    return store


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("*/*")}


def test_a_record_reads_back_as_it_was_written(tmp_path):
    store = filled(tmp_path, [1])

    assert record(1) == store.get(trial(1))
    assert store.get(trial(2)) is None


def test_a_record_is_named_by_its_trial_and_reads_well_in_a_diff(tmp_path):
    """One value a line in a fixed order, so that git shows which number changed."""
    store = filled(tmp_path, [1])
    text = store.path(trial(1)).read_text()

    assert tmp_path / "ordeal" / f"{trial(1).key}.json" == store.path(trial(1))
    assert json.dumps(json.loads(text), sort_keys=True, indent=1) + "\n" == text


def test_equal_configurations_share_a_record(tmp_path):
    assert filled(tmp_path, [1]).get(trial(1, patience=0)) == filled(tmp_path, [1]).get(trial(1, patience=0.0))


def test_writers_at_once_leave_one_whole_record_and_read_the_same(tmp_path):
    """The first writer wins, and every later one is given what the first wrote."""
    store, gate, writers = RecordStore(tmp_path), Barrier(6), range(6)
    for number in range(30):
        got: list[Record] = []

        def write(value: int, number: int = number, got: list[Record] = got) -> None:
            gate.wait()
            got.append(store.put(record(number, float(value))))

        threads = [Thread(target=write, args=(value,)) for value in writers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [store.get(trial(number))] * 6 == got
    assert 30 == len(contents(tmp_path))  # no draft is left behind


@pytest.mark.parametrize("moment", ["fsync", "link"])
def test_a_writer_killed_half_way_leaves_nothing_that_is_taken_for_a_record(tmp_path, moment):
    program = (
        f"import os, sys; sys.path[:0] = {ROOMS}\n"
        f"os.{moment} = lambda *_: os.kill(os.getpid(), 9)\n"
        "from bookkeeping.test_records import filled\nfrom pathlib import Path\n"
        f"filled(Path({str(tmp_path)!r}), [1])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert -9 == done.returncode, done.stderr
    assert 1 == len(contents(tmp_path))  # the draft
    assert RecordStore(tmp_path).get(trial(1)) is None
    assert [] == stale_records(tmp_path)
    assert record(1) == filled(tmp_path, [1]).get(trial(1))


DAMAGE = {
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "foreign": lambda text: '{"loss": 3.1}',
    "a list": lambda text: "[]",
    "not a number": lambda text: text.replace("0.5", "NaN"),
    "infinite": lambda text: text.replace("0.5", "-Infinity"),
    "another status": lambda text: text.replace("measured", "planned"),
    "a fractional seed": lambda text: text.replace('"seed": 0', '"seed": 0.0'),
    "another seed": lambda text: text.replace('"seed": 0', '"seed": 1'),
    "another configuration": lambda text: text.replace('"number": 1', '"number": 2'),
    "a text of another encoding": lambda text: text.replace("here", "h\xe9re"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, kind):
    store = filled(tmp_path, [1])
    path = store.path(trial(1))
    path.write_text(DAMAGE[kind](path.read_text()), encoding="latin-1")

    with pytest.raises(BrokenRecordError, match=path.name):
        store.get(trial(1))
    with pytest.raises(BrokenRecordError, match=path.name):
        store.put(record(1))


EDITS = {
    "one digit": lambda text: text.replace('"sum": 0.5', '"sum": 0.6'),
    "one digit of a list": lambda text: text.replace("  1,", "  3,"),
    "another type": lambda text: text.replace('"sum": 0.5', '"sum": "0.5"'),
    "an entry removed": lambda text: text.replace(',\n  "sum": 0.5', ""),
    "an entry added": lambda text: text.replace('"sum": 0.5', '"sum": 0.5,\n  "also": 1'),
    "a reason": lambda text: text.replace('"reason": ""', '"reason": "none"'),
    "provenance": lambda text: text.replace('"here"', '"a better machine"'),
    "another digest": lambda text: re.sub('"digest": "."', '"digest": "', text).replace('"digest": "', '"digest": "f'),
    "a digest that is a number": lambda text: re.sub('"digest": ".*"', '"digest": 7', text),
    "the digest of another record": lambda text: re.sub('(?<="digest": ").*(?=")', record(2).digest, text),
}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_is_found_on_reading_on_merging_and_when_all_are_looked_at(tmp_path, kind):
    """The digest is over all that a record holds, provenance too: a page shows the device that it names."""
    theirs = filled(tmp_path / "theirs", [1, 2])
    path = theirs.path(trial(1))
    before = path.read_text()
    path.write_text(EDITS[kind](before))

    assert before != path.read_text()
    with pytest.raises(BrokenRecordError, match=r"was edited: its digest is .* that of its contents"):
        read_record(path)
    assert [path.name] == [re.search(r"\w+\.json", line)[0] for line in soundness(theirs.folder).broken]
    report = merge(theirs.folder, tmp_path / "ours")
    assert (1, 1) == (report.new, len(report.malformed))


def without_its_digest(path: Path) -> None:
    path.write_text(re.sub(' "digest": ".*",\n', "", path.read_text()))


def test_a_record_without_a_digest_is_read_named_and_given_its_own_once(tmp_path):
    store = filled(tmp_path, [1, 2])
    path, whole = store.path(trial(1)), contents(tmp_path)
    without_its_digest(path)

    assert record(1) == store.get(trial(1))
    assert [path] == soundness(tmp_path).bare
    assert [path] == give_digests(tmp_path).bare
    assert whole == contents(tmp_path)
    assert ([], []) == (give_digests(tmp_path).bare, soundness(tmp_path).broken)


def test_a_record_without_a_digest_is_given_one_when_it_is_merged(tmp_path):
    without_its_digest(filled(tmp_path / "theirs", [1]).path(trial(1)))
    merge(tmp_path / "theirs", tmp_path / "ours")

    assert contents(filled(tmp_path / "made", [1]).folder) == contents(tmp_path / "ours")


def test_no_broken_record_is_given_a_digest(tmp_path):
    path = filled(tmp_path, [1]).path(trial(1))
    path.write_text(EDITS["one digit"](path.read_text()))
    edited = path.read_text()

    assert 1 == len(give_digests(tmp_path).broken)
    assert edited == path.read_text()


def test_the_digest_is_over_canonical_json(tmp_path):
    """Names sorted, no spaces, ASCII, floats in their fewest digits: any program can make it from the file."""
    plain = json.loads(filled(tmp_path, [1]).path(trial(1)).read_text())
    noted = plain.pop("digest")
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))

    assert hashlib.sha256(canonical.encode()).hexdigest() == noted


@pytest.mark.parametrize("thing", ["a folder", "a pipe", "a circle of links", "a link to nothing", "a huge file"])
def test_what_is_no_file_in_the_place_of_a_record_is_refused_and_not_waited_for(tmp_path, thing):
    path = RecordStore(tmp_path).path(trial(1))
    path.parent.mkdir()
    match thing:
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "a circle of links":
            path.symlink_to(path)
        case "a link to nothing":
            path.symlink_to("nowhere")
        case "a huge file":
            path.touch()
            os.truncate(path, 2**40)

    with pytest.raises(BrokenRecordError, match=path.name):
        RecordStore(tmp_path).get(trial(1))
    with pytest.raises(BrokenRecordError, match=path.name):
        RecordStore(tmp_path).put(record(1))


def test_a_renamed_record_is_refused(tmp_path):
    path = filled(tmp_path, [1]).path(trial(1))

    with pytest.raises(BrokenRecordError, match="name and contents must agree"):
        read_record(path.rename(path.with_stem("0" * 64)))


def test_a_large_record_is_refused_with_its_size(tmp_path):
    with pytest.raises(ValueError, match=r"has 2\d{4} bytes, at most 16384: store quantiles"):
        RecordStore(tmp_path).put(record(1, numbers={"draws": ["x" * 20_000]}))

    assert {} == contents(tmp_path)


def test_what_is_no_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="float"):
        RecordStore(tmp_path).put(record(1, numbers={"loss": float("nan")}))


def test_merging_disjoint_records_commutes_and_merging_again_changes_nothing(tmp_path):
    for name, numbers in {"a": range(4), "b": range(4, 9)}.items():
        filled(tmp_path / name / "records", numbers)
    for target, order in {"ab": "ab", "ba": "ba", "aba": "aba"}.items():
        for name in order:
            merge(tmp_path / name, tmp_path / target)
    again = merge(tmp_path / "b", tmp_path / "ab")

    assert 9 == len(contents(tmp_path / "ab"))
    assert contents(tmp_path / "ab") == contents(tmp_path / "ba") == contents(tmp_path / "aba")
    assert (0, 5, [], []) == (again.new, again.identical, again.conflicting, again.malformed)


def test_a_conflict_keeps_ours_and_is_named(tmp_path):
    ours, _ = filled(tmp_path / "ours", [1]), filled(tmp_path / "theirs", [1, 2], value=0.75)

    report = merge(tmp_path / "theirs", tmp_path / "ours")

    assert (1, 0, []) == (report.new, report.identical, report.malformed)
    assert [f"ordeal/{trial(1).key}.json: ours is kept"] == report.conflicting
    assert [0.5, 0.75] == [ours.get(trial(n)).numbers["sum"] for n in (1, 2)]


def test_a_divergence_where_ours_was_measured_is_a_conflict(tmp_path):
    filled(tmp_path / "ours", [1])
    RecordStore(tmp_path / "theirs").put(record_of(trial(1), None, {}, "loss above 1e9"))

    assert 1 == len(merge(tmp_path / "theirs", tmp_path / "ours").conflicting)


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_tampered_record_is_not_merged(tmp_path, kind):
    path = filled(tmp_path / "theirs", [1, 2]).path(trial(1))
    path.write_text(DAMAGE[kind](path.read_text()), encoding="latin-1")

    report = merge(tmp_path / "theirs", tmp_path / "ours")

    assert (1, 1) == (report.new, len(report.malformed))
    assert path.name in report.malformed[0]
    assert [f"ordeal/{trial(2).key}.json"] == list(contents(tmp_path / "ours"))


def test_a_large_or_misnamed_record_is_not_merged(tmp_path):
    store = filled(tmp_path / "theirs", [1, 2])
    large, misnamed = store.path(trial(1)), store.path(trial(2))
    large.write_text(large.read_text().replace("here", "x" * 20_000))
    shutil.copy(misnamed, misnamed.with_stem("mine"))

    report = merge(tmp_path / "theirs", tmp_path / "ours")

    assert (1, 2) == (report.new, len(report.malformed))


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no records"):
        merge(tmp_path, tmp_path / "ours")


def spelled(**changes: object) -> dict:
    return {k: v for k, v in {**record(1).config, **changes}.items() if v != "gone"}


STALE = {
    "no measurement weighing": {"measurement": "weighing"},
    "made by version 1, today's is 2": {"version": 1},
    "no field ['colour']": {"config": spelled(colour="red")},
    "fields ['patience'] that the record does not know": {"config": spelled(patience="gone")},
    "spelled for 'Trial'": {"config": spelled(**{"is": "Trial"})},
    "spells another key today": {"config": spelled(later=0)},
}


@pytest.mark.parametrize("why", STALE)
def test_each_kind_of_stale_record_is_found_and_says_why(tmp_path, why):
    store = filled(tmp_path, [1])
    store.put(record(1, **STALE[why]))

    (stale,) = stale_records(tmp_path)

    assert why in str(stale)
    prune([stale])
    assert [f"ordeal/{trial(1).key}.json"] == list(contents(tmp_path))


def test_a_damaged_record_is_stale_too(tmp_path):
    path = filled(tmp_path, [1]).path(trial(1))
    path.write_text("{")

    assert ["is no record"] == [found.why[len(str(path)) + 1 :][:12] for found in stale_records(tmp_path)]
