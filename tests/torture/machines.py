"""A machine that refuses or errs: a full disk, a folder that may be read alone, a clock that is set back."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from tiny_book import make_book

from torture.kills import closed, derived, faults, product, swept, undisturbed, with_verdicts
from torture.victims import Command, Victim, repro, working_in

RUN = repro("run", "tiny", "--scale", "cpu")


def full_disk(count: int, chance: random.Random, folder: Path) -> Counter[str]:
    """Runs that end at a random byte of what they write; then one on a disk with room."""
    found: Counter[str] = Counter()
    with working_in(folder):
        make_book(folder)
        for _ in range(count):
            limit = chance.choice([0, chance.randrange(2_000), chance.randrange(12_000)])  # a page has 12 KB
            found += refused(_within(limit, RUN), folder, "full disk")
        found += undisturbed(RUN, "a run on a disk with room")
        found += faults(folder, {})
    return found


def _within(limit: int, command: Command) -> Command:
    """A command on a disk where no file may have more than `limit` bytes, which is refused as a full one refuses."""

    def limited() -> object:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return command()

    return limited


def small_disk(folder: Path) -> Counter[str]:
    """The same on a real file system of 64 KB, where one may be mounted."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True).returncode:
        return Counter({"no file system may be mounted here": 1})
    try:
        with working_in(folder):
            make_book(folder)
            (folder / "filler").write_bytes(bytes(36_000))
            found = refused(RUN, folder, "a real full disk")
            (folder / "filler").unlink()
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    return found


def refused(command: Command, folder: Path, what: str) -> Counter[str]:
    """A command that the machine refuses something: it ends by itself, in a sentence, and nothing half is whole."""
    victim = Victim(command)
    ended = victim.wait()
    found = faults(folder, {}) + closed(victim)
    found["FAULT: ended by a signal"] += ended < 0
    found[f"{what}: {'refused' if ended else 'went well'}"] += 1
    return found


def read_only(folder: Path) -> Counter[str]:
    """A results folder that may not be written: by its mount, else by its mode."""
    with working_in(folder):
        make_book(folder)
        results = folder / "results"
        results.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "ro", "none", results]
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
        if not mounted:
            results.chmod(0o555)
        try:
            found: Counter[str] = Counter()
            for words in (["run", "tiny"], ["records", "digest"], ["status"], ["check"], ["claims"]):
                found += refused(repro(*words), folder, "read-only")
        finally:
            if mounted:
                subprocess.run(["umount", "-l", results], check=True)
    return found


def clock_set_back(chance: random.Random, folder: Path) -> Counter[str]:
    """A sweep and a page while the clock jumps by up to an hour, back and forth: they give what they always give."""
    found: Counter[str] = Counter()
    for name, command, prepare in (("sweep", swept("inline"), None), ("book", derived, with_verdicts)):
        for place, wrapped in (
            (folder / name, _jumping(chance.random(), command)),
            (folder / f"{name}-always", command),
        ):
            with working_in(place):
                if prepare:
                    prepare(place)
                found += undisturbed(wrapped, "a command under a clock that jumps")
        found["FAULT: a clock that jumps changes what comes out"] += product(folder / name) != product(
            folder / f"{name}-always"
        )
        found["commands under a clock that jumps"] += 1
    return found


def _jumping(seed: float, command: Command) -> Command:
    def under_it() -> object:
        chance, true = random.Random(seed), time.time
        time.time = lambda: true() + chance.choice([0.0, -3600.0, 3600.0])
        return command()

    return under_it
