"""What a campaign brings home, in one folder: an archive of its records, small weights, and a log."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repro.bookkeeping.archive import pack, unpacked
from repro.bookkeeping.records import RecordStore, merge, record_paths

EVERY = 15.0  # seconds between two archives: what a kill can cost
LARGEST_WEIGHTS = 16 * 2**20  # bytes of one file


class Luggage:
    """The folder that a campaign fills: records.tar.gz, weights/KEY.safetensors and log.jsonl.

    What an earlier campaign left there is taken in first, so that this one goes on from it, on any machine, and
    brings it home as well.
    """

    def __init__(self, folder: Path, store: RecordStore, weights: Path) -> None:
        """Open it.

        Args:
            store: where this machine's records lie.
            weights: where this machine's weights lie, one file per run by key.

        Raises:
            ValueError: the folder's archive cannot be read.
        """
        self.folder, self.store, self.weights = folder, store, weights
        self.archive, self.carried = folder / "records.tar.gz", folder / "weights"
        self._others = self._records()
        self._other_weights = set(self._weights_in(weights))
        self._packed: set[Path] = set()
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._take_in()

    def _take_in(self) -> None:
        if self.archive.is_file():
            with unpacked(self.archive) as before:
                merge(before, self.store.folder)
                brought = {path.relative_to(before / "records") for path in record_paths(before / "records")}
            self._others -= {self.store.folder / name for name in brought}
        for name in self._weights_in(self.carried):
            if not (self.weights / name).exists():
                _copy(self.carried / name, self.weights / name)

    def _records(self) -> set[Path]:
        return set(record_paths(self.store.folder))

    @staticmethod
    def _weights_in(folder: Path) -> list[str]:
        return sorted(path.name for path in folder.glob("*.safetensors"))

    def records(self) -> set[Path]:
        """The records made by this campaign, and those that it took in."""
        return self._records() - self._others

    def pack(self) -> None:
        """Write the archive and copy the weights, as far as there is something new."""
        with self._lock:
            records = self.records()
            if records != self._packed:
                pack(sorted(records), self.store.folder, self.archive)
                self._packed = records
            for name in self._weights_in(self.weights):
                here, there = self.weights / name, self.carried / name
                if name not in self._other_weights and not there.exists() and here.stat().st_size <= LARGEST_WEIGHTS:
                    _copy(here, there)

    def note(self, entry: dict[str, Any]) -> None:
        """Add a line to the log."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry, ensure_ascii=False) + "\n")

    @contextmanager
    def packing(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Pack every quarter of a minute while this is open, and once more at its end."""
        ended = threading.Event()

        def keep_packing() -> None:
            while not ended.wait(EVERY):
                try:
                    self.pack()
                except OSError as error:  # a full disk, say: the next time may be better, and the last one raises it
                    tell(f"what was measured could not be packed: {error}")

        packer = threading.Thread(target=keep_packing, daemon=True)
        packer.start()
        try:
            yield
        finally:
            ended.set()
            packer.join()
            self.pack()


def _copy(source: Path, place: Path) -> None:
    """Copy a file, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_suffix(".new")
    shutil.copyfile(source, beside)
    os.replace(beside, place)
