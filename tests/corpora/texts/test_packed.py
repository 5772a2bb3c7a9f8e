"""Token files: opened as they were written, or made again."""

import threading

import numpy as np
import pytest

from repro.corpora.texts.packed import Damaged, dtype_for, open_or_make, open_pack, write_tokens


class Maker:
    """Writes two small splits and counts how often it was asked."""

    def __init__(self):
        self.made = 0

    def __call__(self, folder):
        self.made += 1
        write_tokens(folder / "train.bin", [np.arange(5, dtype="<u2"), np.arange(300, 302, dtype="<u2")])
        write_tokens(folder / "test.bin", [np.array([7], dtype="<u2")])
        return {"dtype": "<u2", "entropy": 0.5}


def test_a_pack_is_made_once_and_opens_as_it_was_written(tmp_path):
    make = Maker()
    first, second = (open_or_make(tmp_path / "key", make) for _ in range(2))

    assert 1 == make.made
    assert [0, 1, 2, 3, 4, 300, 301] == second.train.tolist()
    assert ([7], {"entropy": 0.5}, first.sha256) == (second.test.tolist(), second.about, second.sha256)
    with pytest.raises(ValueError, match="read-only"):
        second.train[0] = 1


@pytest.mark.parametrize("file", ["train.bin", "test.bin", "about.json"])
@pytest.mark.parametrize("damage", ["cut short", "a bit flipped", "gone", "emptied"])
def test_a_damaged_pack_is_noticed_and_made_again(tmp_path, file, damage):
    make = Maker()
    whole = open_or_make(tmp_path / "key", make)
    path = tmp_path / "key" / file
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut short": content[:-1], "a bit flipped": _flipped(content), "emptied": b""}[damage])

    with pytest.raises(Damaged):
        open_pack(tmp_path / "key")
    assert whole.sha256 == open_or_make(tmp_path / "key", make).sha256
    assert 2 == make.made
    assert ["key"] == [left.name for left in tmp_path.iterdir()]


def _flipped(content):
    """The last digit of a sha256 in about.json; the last token's lowest bit elsewhere."""
    place = content.rindex(b'"\n }') - 1 if content.startswith(b"{") else -2
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def test_two_who_make_the_same_pack_at_once_both_get_it(tmp_path):
    """Both are in the middle of making it before either may finish."""
    meet, packs = threading.Barrier(2, timeout=10), []

    def make(folder):
        meet.wait()
        return Maker()(folder)

    makers = [threading.Thread(target=lambda: packs.append(open_or_make(tmp_path / "key", make))) for _ in range(2)]
    for each in makers:
        each.start()
    for each in makers:
        each.join()

    assert 2 == len(packs) and 1 == len({pack.sha256 for pack in packs})
    assert ["key"] == [left.name for left in tmp_path.iterdir()]


def test_a_maker_that_fails_leaves_nothing(tmp_path):
    def fail(folder):
        (folder / "train.bin").write_bytes(b"half")
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        open_or_make(tmp_path / "key", fail)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("vocabulary, dtype", [(512, "<u2"), (65_536, "<u2"), (65_537, "<u4")])
def test_the_smaller_dtype_that_holds_every_token(vocabulary, dtype):
    assert dtype == dtype_for(vocabulary)
    assert vocabulary - 1 == np.array(vocabulary - 1).astype(dtype)
