"""The book as HTML: built by Jupyter Book in a folder of its own, and published whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

PACKAGES = ("jupyter-book", "sphinx", "sphinx-book-theme", "pydata-sphinx-theme", "myst-nb", "sphinx-mathjax-offline")
TOC = "_generated/toc.yml"
ENDED_WELL = "ended-well"
# Jupyter Book, which has no __main__. Its standard input ends when this process does, and so does then all of it.
ENTRY = """
import os, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
from jupyter_book.cli.main import main
main()
"""


class BookNotBuiltError(RuntimeError):
    """Sphinx warned or failed; the message holds what it said. The published book is the one from before."""


def build_html(book: Path) -> bool:
    """Bring book/_build/html up to date; False where nothing had changed since it was published.

    Pages are rebuilt in a stage folder, which is started anew when something changed that every page shows, or when
    an earlier build did not end well. The published folder is replaced by renaming at the very end.

    Raises:
        BookNotBuiltError: Jupyter Book warned or failed.
    """
    built = book / "_build"
    published, stamp = built / "html", built / "html.sha256"
    wanted = digest(inputs(book))
    if (published / "index.html").is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return False
    frame = digest(_frame(book))
    stage = _stage(built, frame)
    run_jupyter_book(book, stage)
    (stage / ENDED_WELL).write_text(frame)
    stamp.unlink(missing_ok=True)
    publish(stage / "_build" / "html", published)
    stamp.write_text(wanted)
    return True


def _stage(built: Path, frame: str) -> Path:
    """The folder to build in: that of the last build, if it ended well with the same frame, else a new one.

    The old one loses its mark, so that it counts only if this build ends well too; all other folders are deleted.
    """
    for stage in built.glob("stage-*"):
        mark = stage / ENDED_WELL
        if mark.is_file() and mark.read_text() == frame:
            mark.unlink()
            return stage
        shutil.rmtree(stage, ignore_errors=True)
    # A name of its own: when a build is killed, the Sphinx that it started may go on writing for a moment.
    return built / f"stage-{secrets.token_hex(4)}"


def inputs(book: Path) -> Iterable[bytes]:
    """Everything that the HTML is made from."""
    yield _versions()
    for path in _files(book):
        yield path.relative_to(book).as_posix().encode()
        yield path.read_bytes()


def _frame(book: Path) -> Iterable[bytes]:
    """What every page shows or uses: settings, contents, glossary, style, extensions and the titles in the side bar."""
    yield _versions()
    shared = [book / "_config.yml", book / TOC, book / "glossary.md", *_files(book / "_static"), *_files(book / "_ext")]
    for path in shared:
        yield path.name.encode() + path.read_bytes()
    for page in sorted(book.glob("*.md")):
        title = re.search(r"^# .+", page.read_text(encoding="utf-8"), re.MULTILINE)
        yield f"{page.name} {title.group() if title else ''}".encode()


def digest(parts: Iterable[bytes]) -> str:
    """sha256 over parts, each with its length, so that no two lists of parts share one."""
    total = hashlib.sha256()
    for part in parts:
        total.update(f"{len(part)}:".encode() + part)
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    apart = {"_build", "__pycache__"}
    return sorted(p for p in folder.rglob("*") if p.is_file() and not apart & set(p.relative_to(folder).parts))


def _versions() -> bytes:
    return " ".join(f"{name}={metadata.version(name)}" for name in PACKAGES).encode() + sys.version.encode()


def run_jupyter_book(book: Path, stage: Path, builder: Iterable[str] = ()) -> None:
    """Build with warnings as errors, all of them told before it ends.

    Raises:
        BookNotBuiltError: it warned or failed.
    """
    command = [sys.executable, "-c", ENTRY, "build", str(book), "--path-output", str(stage)]
    command += ["--toc", str(book / TOC), "-W", "--keep-going", "-q", *builder]
    stage.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # _ext is on the path, and is an input by its files
    reading, held = os.pipe()
    try:
        ended = subprocess.run(
            command, cwd=book.parent, env=environment, stdin=reading, capture_output=True, text=True, check=False
        )
    finally:
        os.close(reading)
        os.close(held)
    if ended.returncode != 0:
        raise BookNotBuiltError(f"Jupyter Book ended with {ended.returncode}:\n{_told(ended.stderr)}")


def _told(errors: str) -> str:
    """The warnings and errors that a build told of, without the traceback that it ends with."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", errors)
    return plain.split("Traceback (most recent call last)")[0].strip() or plain[-2000:]


def publish(built: Path, published: Path) -> None:
    """Put a copy of `built` in the place of `published` by renaming; whoever reads it meanwhile sees one whole book."""
    fresh, old = published.with_name(f"{published.name}.new"), published.with_name(f"{published.name}.old")
    if old.exists() and not published.exists():  # a kill between the two renames below
        old.rename(published)
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(built, fresh)
    if published.exists():
        published.rename(old)
    fresh.rename(published)
    shutil.rmtree(old, ignore_errors=True)
