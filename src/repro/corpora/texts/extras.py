"""Imports of packages that only an extra installs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needing_training() -> Iterator[None]:
    """A block of imports from the extra `training`; where one is lacking, its error says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed; cutting text into tokens needs the extra `training`: "
            "pip install -c constraints.txt -e '.[training]'",
            name=error.name,
        ) from error
