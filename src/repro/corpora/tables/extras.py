"""What the package can do only with an extra installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needing_training() -> Iterator[None]:
    """Imports of the extra `training`; one that is lacking is told with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed; cutting text into tokens needs the extra `training`: "
            "pip install -c constraints.txt -e '.[training]'",
            name=error.name,
        ) from error
