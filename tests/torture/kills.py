"""Kills at random moments during a sweep, a run and a book; and several runs on one folder."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from ordeal import Ordeal, ordeal
from tiny_book import make_book

from repro.bookkeeping.chapters import derive_pages, run
from repro.bookkeeping.chapters.kernels import Server, manager
from repro.bookkeeping.ledger.verdict_files import load_changelog, load_verdicts
from repro.bookkeeping.records import RecordStore, read_record, record_paths, soundness
from repro.bookkeeping.sweeps import EngineSettings, sweep
from repro.floor import places
from torture.victims import Command, Victim, repro, working_in

CONFIGS = [Ordeal(number, patience=0.004) for number in range(12)]


def swept(engine: str) -> Command:
    """A sweep of a dozen trials."""

    def command() -> None:
        sweep(ordeal, CONFIGS, store=RecordStore(Path("results/records")), settings=EngineSettings(engine, jobs=2))

    return command


def derived() -> None:
    """The pages of the book's notebooks."""
    derive_pages(Path.cwd(), Path("results"), Path("book/chapters"))


@dataclass(frozen=True)
class Kind:
    """What is killed: a command, its share of all kills, the seconds within which it is killed, and what it makes."""

    command: Command
    share: float
    span: float
    made: str = "results/records/*/*.json"
    prepare: Callable[[Path], object] = lambda folder: None


def with_verdicts(folder: Path) -> None:
    run(make_book(folder), {"scale": "cpu"}, folder / "results")


KINDS = {
    "sweep": Kind(swept("inline"), 0.55, 0.15),
    "sweep in a pool": Kind(swept("pool"), 0.1, 6.0),
    "run": Kind(repro("run", "tiny", "--scale", "cpu"), 0.2, 3.0, prepare=make_book),
    "book": Kind(derived, 0.15, 3.0, "book/chapters/*.ipynb", with_verdicts),
}


def kills(count: int, chance: random.Random, folder: Path) -> Counter[str]:
    """Kill each kind its share of times on one folder, then let it end undisturbed: nothing is lost, half or new."""
    found: Counter[str] = Counter()
    for name, kind in KINDS.items():
        place, control = folder / name.replace(" ", "-"), folder / f"{name.replace(' ', '-')}-undisturbed"
        for each in (place, control):
            with working_in(each):
                kind.prepare(each)
        for _ in range(max(2, round(count * kind.share))):
            if chance.random() < 0.5:  # begin anew: else all is soon on record
                for path in [*place.glob(f"{kind.made}")]:
                    path.unlink()
            found += killed(kind, place, chance)
            found[f"kills: {name}"] += 1
        for each in (place, control):
            with working_in(each):
                found += undisturbed(kind.command, f"{name} after kills")
        found[f"FAULT: {name} gives something else after kills"] += product(place) != product(control)
    return found


def killed(kind: Kind, place: Path, chance: random.Random) -> Counter[str]:
    """One kill, and what is wrong after it."""
    number, group = chance.choice([signal.SIGKILL, signal.SIGTERM]), chance.random() < 0.5
    before = {path: path.read_bytes() for path in record_paths(place / "results" / "records")}
    with working_in(place):
        victim = Victim(kind.command)
        victim.kill_after(chance.uniform(0, kind.span), number, group=group)
        ended = victim.wait()
        found = faults(place, before)
        found += closed(victim)
    found["FAULT: git is locked"] += (places.root() / ".git" / "index.lock").exists()
    found["killed before its end" if ended < 0 else "had ended before the kill"] += 1
    found[f"{number.name} to the {'group' if group else 'process'}"] += 1
    return found


def undisturbed(command: Command, name: str) -> Counter[str]:
    """A command that is let run to its end."""
    victim = Victim(command)
    ended = victim.wait()
    if ended:
        print(victim.said())
    return Counter({f"FAULT: {name} does not end well": int(ended != 0)}) + closed(victim)


def closed(victim: Victim) -> Counter[str]:
    """The orphans and tracebacks of a victim that has ended."""
    orphans, tracebacks = victim.close()
    if tracebacks:
        print(victim.said())
    return Counter({"FAULT: orphans": orphans, "FAULT: tracebacks": tracebacks})


def faults(place: Path, before: dict[Path, bytes]) -> Counter[str]:
    """What is lost, or half-written and taken for whole, in a results folder and among its pages."""
    results, found = place / "results", Counter[str]()
    sound = soundness(results / "records")
    found["FAULT: broken records"] += len(sound.broken) + len(sound.bare)
    found["FAULT: lost records"] += sum(not path.exists() or path.read_bytes() != was for path, was in before.items())
    for load in (load_verdicts, load_changelog):
        try:
            load(results)
        except ValueError:
            found["FAULT: broken verdicts"] += 1
    for page in [*results.glob("executed/*.ipynb"), *place.glob("book/chapters/*.ipynb")]:
        try:
            whole = "closed" in page.read_text() and json.loads(page.read_text())["cells"]
        except ValueError:
            whole = False
        found["FAULT: half pages"] += not whole
    return found


def product(place: Path) -> object:
    """What a folder holds at the end, without what no two runs share: times, and places in a terminal's words."""
    results = place / "results"
    records = {path.name: read_record(path).numbers for path in record_paths(results / "records")}
    verdicts = {claim: {s: v.estimate for s, v in by.items()} for claim, by in load_verdicts(results).items()}
    changes = [(change.claim, change.scale, change.before, change.after) for change in load_changelog(results)]
    pages = sorted(page.name for page in place.glob("book/chapters/*.ipynb"))
    return records, verdicts, changes, pages


def runners(count: int, folder: Path) -> Counter[str]:
    """So many runs of one notebook at once on one folder: each ends well, and what they keep is that of one."""
    found: Counter[str] = Counter({"runners on one folder": count})
    with working_in(folder):
        make_book(folder)
        victims = [Victim(repro("run", "tiny", "--scale", "cpu")) for _ in range(count)]
        failed = [victim for victim in victims if victim.wait() != 0]
        found["FAULT: runners that failed"] += len(failed)
        print(*(victim.said() for victim in failed))
        found += sum(map(closed, victims), Counter())
        found += faults(folder, {})
        found["FAULT: changes not logged once"] += len(load_changelog(folder / "results")) != 1
        found["FAULT: runners of two minds"] += len(list(record_paths(folder / "results" / "records"))) != 1
    return found


def starts(rounds: int, count: int) -> Counter[str]:
    """So many kernels at the same moment, again and again, each in a process of its own: all of them answer."""
    gate = get_context("fork").Barrier(count)

    def start() -> None:
        with Server(("ipykernel.kernelapp", "ipykernel.ipkernel")) as server:
            for _ in range(rounds):
                gate.wait()
                book = new_notebook(cells=[new_code_cell("print(6 * 7)")])
                kernel = {"kernel_name": "python3", "kernel_manager_class": manager(server, [])}
                NotebookClient(book, **kernel, startup_timeout=300, shutdown_kernel="immediate").execute()
                assert "42\n" == book.cells[0].outputs[-1].text

    victims = [Victim(start) for _ in range(count)]
    failed = sum(victim.wait() != 0 for victim in victims)
    found = Counter({"kernels started": rounds * count, "FAULT: kernels that did not answer": failed})
    return found + sum(map(closed, victims), Counter())
