"""A text of installed packages: in a fixed order, without leaks from train to test, held to its manifest."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256

import pytest

from repro.corpora.texts import environment
from repro.corpora.texts.environment import EnvironmentDiffers, assemble, differences, documents, kept_text_at, text_of
from repro.corpora.texts.manifest import Manifest, Package, TokenCounts, manifest, manifests, parse, spell
from repro.corpora.texts.near_duplicates import shingles
from repro.corpora.texts.parcels import NotOurs, pack_text, unpack
from repro.corpora.texts.source_files import Source


def body(name, lines=20):
    return "".join(f"{name} = {number}\n" for number in range(lines))


SOURCES = {
    "alpha": Source("1.0", {"alpha/a.py": body("a"), "alpha/b.py": body("b")}, Counter({"vendored": 2})),
    "beta": Source("2.0", {"beta/a.py": body("a"), "beta/c.py": body("c")}, Counter({"vendored": 1})),
}
PACKAGES = tuple(
    Package(name, split, SOURCES[name].version, 2, SOURCES[name].bytes, SOURCES[name].sha256)
    for name, split in (("alpha", "train"), ("beta", "test"))
)


def planted(made):
    return Manifest(
        "planted",
        'a "quoted" text',
        sha256(made.text).hexdigest(),
        made.train_bytes,
        len(made.text) - made.train_bytes,
        made.train_files,
        made.test_files,
        made.dropped,
        {512: TokenCounts(10, 3, "ab" * 32)},
        PACKAGES,
    )


@pytest.fixture
def wanted(tmp_path, monkeypatch):
    """The manifest of two packages that are installed, and an empty cache."""
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(environment, "read_source", SOURCES.get)
    return planted(assemble(PACKAGES, SOURCES))


def test_no_training_document_is_a_near_copy_of_a_test_document():
    """`a` lies in both packages and stays in the one held out."""
    made = assemble(PACKAGES, SOURCES)

    assert [body("b")] == documents(made.text[: made.train_bytes])
    assert {body("a"), body("c")} == set(documents(made.text[made.train_bytes :]))
    assert {"vendored": 3, "near copies": 1} == made.dropped
    assert (1, 2) == (made.train_files, made.test_files)


def test_the_order_of_packages_does_not_matter():
    assert assemble(PACKAGES, SOURCES) == assemble(PACKAGES[::-1], dict(reversed(SOURCES.items())))


def test_a_manifest_reads_back_as_it_was_written(wanted):
    assert wanted == parse("planted", spell(wanted))


def test_a_text_is_made_from_the_packages_once(wanted, monkeypatch):
    """The second time it comes from the cache, whatever is installed by then."""
    made = text_of(wanted)
    monkeypatch.setattr(environment, "read_source", lambda name: None)

    assert wanted.sha256 == sha256(made).hexdigest()
    assert made == text_of(wanted)


def test_a_damaged_text_is_made_again(wanted):
    made = text_of(wanted)
    kept_text_at(wanted.sha256).write_bytes(made[:-1] + b"?")

    assert made == text_of(wanted)
    assert made == kept_text_at(wanted.sha256).read_bytes()


def test_a_machine_whose_packages_differ_is_told_so(wanted, monkeypatch):
    """The first differences by name, and what to do."""
    other = {"alpha": replace(SOURCES["alpha"], version="1.1"), "beta": None}
    monkeypatch.setattr(environment, "read_source", other.get)

    with pytest.raises(EnvironmentDiffers, match=r"alpha is 1\.1, not 1\.0; beta is not installed.*repro data unpack"):
        text_of(wanted)


def test_a_changed_file_of_the_right_version_is_noticed(wanted):
    changed = replace(SOURCES["alpha"], documents={**SOURCES["alpha"].documents, "alpha/b.py": body("d", 21)})

    [found] = differences(wanted, {**SOURCES, "alpha": changed})

    assert found.startswith("alpha 1.0 has 2 files of")


def test_changed_rules_are_noticed(wanted):
    with pytest.raises(EnvironmentDiffers, match="the rules that choose documents have changed"):
        text_of(replace(wanted, sha256="0" * 64))


def test_a_packed_text_is_found_where_the_packages_are_not(wanted, tmp_path, monkeypatch):
    """Packed on one machine, unpacked on another."""
    monkeypatch.setattr("repro.corpora.texts.parcels.manifests", lambda: {"planted": wanted})
    done = []
    path = pack_text(wanted, tmp_path, done.append)
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "other machine"))
    monkeypatch.setattr(environment, "read_source", lambda name: None)

    assert wanted == unpack(path)
    assert wanted.sha256 == sha256(text_of(wanted)).hexdigest()
    assert wanted.bytes == sum(done)


def test_a_parcel_cut_short_or_of_another_text_is_refused(wanted, tmp_path, monkeypatch):
    monkeypatch.setattr("repro.corpora.texts.parcels.manifests", lambda: {"planted": replace(wanted, sha256="0" * 64)})
    path = pack_text(wanted, tmp_path)

    with pytest.raises(NotOurs, match=r"none of this version's: planted 000000000000"):
        unpack(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(NotOurs, match="no whole xz file"):
        unpack(path)


def test_every_manifest_is_whole():
    """Both splits, a sha256, and packages at the versions of constraints.txt are held out whole."""
    for known in manifests().values():
        assert {"train", "test"} == {package.split for package in known.packages}
        assert sum(package.bytes for package in known.packages) >= known.bytes - known.train_files - known.test_files
        assert sum(package.files for package in known.packages) == (
            known.train_files + known.test_files + known.dropped["near copies"]
        )
        assert 512 in known.tokens


def test_the_small_text_is_what_its_packages_give_here():
    """Its packages come with every set-up, so this environment must give the very text of the manifest."""
    small = manifest("python-small")
    made = text_of(small)
    train, test = documents(made[: small.train_bytes]), documents(made[small.train_bytes :])
    seen = set().union(*(shingles(document).tolist() for document in test))

    assert (small.train_files, small.test_files) == (len(train), len(test))
    assert all(len(seen & own) < len(own) / 2 for own in (set(shingles(each).tolist()) for each in train))


@pytest.mark.slow
def test_the_large_text_is_what_its_packages_give_here():
    try:
        made = text_of(manifest("python-source"))
    except EnvironmentDiffers as told:
        if "not installed" not in str(told):
            raise
        pytest.skip(str(told))
    assert manifest("python-source").bytes == len(made)
