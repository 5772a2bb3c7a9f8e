"""What is wrong with a file that somebody else wrote, in one line that any terminal can print."""

from __future__ import annotations

SHOWN = 3  # entries at fault that a line names

# What reading any text as JSON of some shape may raise.
DAMAGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, OSError)


def fault(error: Exception) -> str:
    """An error in words: a schema's by entry, the system's without the path, others by their message."""
    if callable(entries := getattr(error, "errors", None)):  # pydantic's ValidationError, which is slow to load
        told = "; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in entries()[:SHOWN])
    elif isinstance(error, OSError) and error.strerror:
        told = error.strerror
    elif isinstance(error, RecursionError):
        told = "it is nested too deeply"
    elif isinstance(error, LookupError | AttributeError | TypeError):
        told = f"{type(error).__name__}: {error}"
    else:
        told = str(error) or "it ends too early"
    return printable(told)


def printable(words: str) -> str:
    """Words on one line, what cannot be printed spelled as Python would."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in words)
