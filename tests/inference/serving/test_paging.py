"""Laws of block tables and of contiguous runs: nothing is lost, nothing given twice, nothing shared is written to."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.inference.serving.contiguous import Buddies, FirstFit
from repro.inference.serving.paging import BlockPool, BlockTable, NoFreeBlock

ACTIONS = st.lists(st.tuples(st.sampled_from(["new", "append", "fork", "release"]), st.integers(0, 9)), max_size=60)


@given(actions=ACTIONS, block=st.integers(1, 4))
def test_blocks_are_conserved_and_none_is_owned_by_a_table_that_does_not_know(actions, block):
    """After any history owners are counted exactly, and the block that a table writes to is its own."""
    pool, tables = BlockPool(12, block), []
    for action, number in actions:
        table = tables[number % len(tables)] if tables else BlockTable(pool)
        if action == "new" or not tables:
            tables.append(BlockTable(pool))
        elif action == "append":
            needed, free = table.needs(number), pool.free
            try:
                table.append(number)
            except NoFreeBlock:
                assert needed > free == pool.free
            else:
                assert needed == free - pool.free
                assert not number or table.slack == 0 or 1 == pool.owners[table.blocks[-1]]
        elif action == "fork":
            tables.append(table.fork())
        else:
            table.release()
        owned = Counter(n for t in tables for n in t.blocks)
        assert [owned[n] for n in range(12)] == pool.owners
        assert 12 == pool.free + pool.held
        assert all(-(-t.length // block) == len(t.blocks) for t in tables)


def test_a_shared_block_is_copied_before_it_is_written_to():
    """Of three sequences with a common past two copy its unfilled block, and the last one keeps it."""
    pool = BlockPool(9, 4)
    first = BlockTable(pool)
    first.append(6)
    second, third = first.fork(), first.fork()
    shared = first.blocks[1]

    copies = [table.append() for table in (first, second, third)]

    assert [shared, shared] == [copy[0] for copy in copies[:2]] and copies[2] is None
    assert shared == third.blocks[1] and 4 == pool.held
    assert 3 == pool.owners[first.blocks[0]]


def test_slots_follow_the_table_and_end_with_the_sequence():
    pool = BlockPool(4, 4)
    other, table = BlockTable(pool), BlockTable(pool)
    table.append(3), other.append(1), table.append(3)

    assert [0, 1, 2, 3, 8, 9] == [table.slot(position) for position in range(6)]
    with pytest.raises(IndexError, match="position 6 of a sequence of 6"):
        table.slot(6)


def test_what_would_hand_a_block_out_twice_is_refused():
    pool = BlockPool(2, 4)
    number = pool.take()
    pool.drop(number)

    with pytest.raises(ValueError, match="given back twice"):
        pool.drop(number)
    with pytest.raises(ValueError, match="only an owned block can be shared"):
        pool.share(number)


@pytest.mark.parametrize("kind", [Buddies, FirstFit])
@given(asked=st.lists(st.integers(1, 90), max_size=40), slots=st.integers(100, 300))
def test_runs_never_overlap_and_all_of_the_pool_comes_back(kind, asked, slots):
    """Each run lies inside the pool and clear of the others; every second one leaves, and at last all."""
    place, held = kind(slots), {}
    for number, size in enumerate(asked):
        if (start := place.place(size)) is not None:
            held[start] = size
        if number % 2 and held:
            start = sorted(held)[number % len(held)]
            place.release(start, held.pop(start))
        taken = [slot for start, size in held.items() for slot in range(start, start + kind.size(size))]
        assert len(taken) == len(set(taken)) and all(0 <= slot < slots for slot in taken)
    for start, size in held.items():
        place.release(start, size)
    largest = slots if kind is FirstFit else 1 << slots.bit_length() - 1
    assert 0 == place.place(largest)


def test_buddies_round_up_and_leave_holes_that_first_fit_does_not():
    """Kwon et al. 2023, section 6.1: seven runs of 2,048 in a 13B model's 15.7 thousand slots, whoever places them."""
    for kind, runs in ((Buddies, 15), (FirstFit, 27)):
        assert 7 == sum(kind_place is not None for kind_place in map(kind(15_700).place, [2048] * 9))
        assert runs == sum(start is not None for start in map(kind(15_700).place, [577] * 30))
