"""Reproducible experiments that check what people repeat about large language models.

A notebook needs one name from here, `open_study`; everything else it imports from the room it lies in.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.bookkeeping.study import open_study

__version__ = "0.1.0"
__all__ = ["__version__", "open_study"]


def __getattr__(name: str) -> Any:
    """Load the notebook's door on first use: `import repro.floor` should not start IPython and matplotlib."""
    if name == "open_study":
        from repro.bookkeeping.study import open_study

        return open_study
    raise AttributeError(f"module 'repro' has no attribute {name!r}")
