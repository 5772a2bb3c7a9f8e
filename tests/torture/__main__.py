"""All of it by hand, with its figures: python -m torture --kills 200 --seed 1, in the folder tests."""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).parents[1]


def main() -> int:
    """Run each part, print its figures, and end with 1 if there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="in all; damaged files are half as many")
    parser.add_argument("--seed", type=int, default=0, help="of all that is chosen by chance")
    given = parser.parse_args()
    # What kernels and workers import, and what they must not do.
    os.environ |= {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")]), "OMP_NUM_THREADS": "1"}
    os.environ |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "MPLBACKEND": "Agg"}
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, part in parts(given.kills, random.Random(given.seed)).items():
            (place := Path(folder, name.replace(" ", "-"))).mkdir()
            began = time.monotonic()
            found = part(place)
            print(f"== {name}, {time.monotonic() - began:.0f} s")
            print("\n".join(f"{number:6} {what}" for what, number in sorted(found.items()) if number), flush=True)
            total += found
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    faults = sum(number for what, number in total.items() if what.startswith("FAULT"))
    print(f"seed {given.seed}: {faults} faults, {sum(one.ru_utime + one.ru_stime for one in used):.0f} CPU s")
    return 1 if faults else 0


def parts(count: int, chance: random.Random) -> dict[str, Callable[[Path], Counter[str]]]:
    """Each part by its name; it is called with a folder of its own."""
    from torture import hostile, kills, machines

    some = max(4, count // 20)
    return {
        "kills": lambda folder: kills.kills(count, chance, folder),
        "eight runners on one folder": lambda folder: kills.runners(8, folder),
        "kernels started eight at a time": lambda folder: kills.starts(max(2, count // 4), 8),
        "full disk": lambda folder: machines.full_disk(some, chance, folder / "a") + machines.small_disk(folder / "b"),
        "read-only": machines.read_only,
        "clock set back": lambda folder: machines.clock_set_back(chance, folder),
        "damaged files": lambda folder: hostile.damaged(max(12, count // 2), chance, folder),
        "words that are markup": hostile.words_that_are_markup,
    }


if __name__ == "__main__":
    sys.exit(main())
