"""The forms of a preference pair: those that trl documents and those that people's files have, read as one, or refused.

Source: trl's documentation, "Dataset formats and types", and `trl.data_utils`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.alignment.given.messages import Note, Said, is_empty, kind_of, read_value, refuse_turns
from repro.alignment.given.rows import Malformed
from repro.corpora.tables.unpacking import first_line

SIDES = ("chosen", "rejected")
PROMPTS = ("question", "instruction", "input", "query")  # what others call the prompt
READ = ("prompt", *SIDES, "tools", "chat_template_kwargs")
SAYING = (str, list, dict)  # what may hold text or messages
FEWEST_WORDS = 3  # of a beginning that both replies share, to be a prompt: trl's own example is "The sky is"
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")  # kana and Han need no blanks
HELP = "write {prompt, chosen, rejected}, each a text or each a list of {role, content}"
OTHER_TYPES = {  # by a column, what trl calls a row that has it and is no pair
    "completions": "stepwise supervision",
    "label": "an unpaired preference",
    "completion": "a prompt with one completion",
    "messages": "a conversation without a preference",
    "conversations": "a conversation without a preference",
    "text": "a text without a preference",
    "prompt": "a prompt alone",
}


@dataclass(frozen=True)
class Preference:
    """A prompt with the reply that won and the one that lost: three texts, or three lists of messages.

    tools, chat_template_kwargs: what the chat template is given besides. where: file and line, for errors.
    """

    prompt: Said
    chosen: Said
    rejected: Said
    tools: list[dict[str, Any]] | None = None
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)
    where: str = field(default="", compare=False)

    @property
    def talk(self) -> bool:
        """Whether it is a conversation."""
        return not isinstance(self.prompt, str)

    def row(self) -> dict[str, Any]:
        """The pair as trl takes it."""
        parts = {"prompt": self.prompt, "chosen": self.chosen, "rejected": self.rejected}
        return {**parts, "tools": self.tools, "chat_template_kwargs": self.chat_template_kwargs} if self.talk else parts


def preference(where: str, row: Any, note: Note) -> Preference | None:
    """The pair of a row; nothing if a part is empty, or the replies are equal. `note` is told what was done.

    Raises:
        Malformed: the row is no pair.
    """
    if not isinstance(row, Mapping):
        raise Malformed(f"{where}: got {type(row).__name__}; expected an object; {HELP}")
    _refuse_other_types(where, row)
    try:
        values = {name: read_value(where, name, value, note) for name, value in told(row).items() if value is not None}
    except RecursionError:
        raise Malformed(f"{where}: nested too deeply; {HELP}") from None
    parts: list[Said] = [values[side] for side in SIDES]
    if not any(map(is_empty, parts)):
        parts = _parts(where, row, values, parts, note)
    if any(map(is_empty, parts)) or parts[-2] == parts[-1]:
        note("equal" if parts[-2] == parts[-1] else "empty")
        return None
    _tell(where, parts, note)
    tools, given = values.get("tools") or None, values.get("chat_template_kwargs") or {}
    prompt, chosen, rejected = parts
    return Preference(prompt, chosen, rejected, tools, given, where)


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """What of a row is read: columns of other names for the prompt only where there is no prompt."""
    names = [*READ, *(name for name in PROMPTS if row.get("prompt") is None and isinstance(row.get(name), SAYING))]
    return {name: row[name] for name in names if name in row}


def _refuse_other_types(where: str, row: Mapping[str, Any]) -> None:
    for name in ("images", "image"):
        if row.get(name):
            raise Malformed(f"{where}: it holds {name}, and this page's models read text alone; leave the pair out")
    if missing := [side for side in SIDES if row.get(side) is None]:
        kind = next(
            (f"; this is {what}" for name, what in OTHER_TYPES.items() if len(missing) == 2 and name in row), ""
        )
        raise Malformed(f"{where}: no {' and no '.join(missing)}, it holds {_columns(row)}{kind}; {HELP}")


def _columns(row: Mapping[str, Any]) -> str:
    return first_line(", ".join(map(str, row))) or "nothing"


def _parts(
    where: str, row: Mapping[str, Any], values: Mapping[str, Any], replies: list[Said], note: Note
) -> list[Said]:
    """Prompt, chosen and rejected, wherever in the row the prompt stands."""
    if replies[0] == replies[1]:
        return replies
    prompt, whole = values.get("prompt"), _are_whole(replies)
    if prompt is None and not whole:
        prompt = _of_other_name(where, values, note)
    if isinstance(prompt, str) and prompt.strip() and kind_of(replies[0]) == "messages":
        if whole:
            prompt = None  # as in many sets on the hub: the whole conversation stands in both, the prompt once more
        else:
            note("user")
            prompt = [{"role": "user", "content": prompt}]
    said = {"prompt": prompt, **dict(zip(SIDES, replies, strict=True))}
    kinds = {name: kind_of(part) for name, part in said.items() if part}
    if len(set(kinds.values())) > 1:
        mixture = ", ".join(f"{name} is {kind}" for name, kind in kinds.items())
        raise Malformed(f"{where}: {mixture}; expected one kind in all; {HELP}")
    if prompt is None:
        return _without_column(where, row, replies, note)
    return [prompt, *_without_prompt(prompt, replies, note)]


def _are_whole(replies: list[Said]) -> bool:
    """Whether both replies are conversations that begin with one message, which is not the assistant's."""
    first = [reply[0] for reply in replies]
    return isinstance(first[0], dict) and first[0] == first[1] and first[0]["role"] != "assistant"


def _of_other_name(where: str, values: Mapping[str, Any], note: Note) -> Said | None:
    """The prompt out of the one column that has another name for it, if there is one."""
    names = [name for name in PROMPTS if name in values and not is_empty(values[name])]
    if len(names) > 1:
        raise Malformed(
            f"{where}: no prompt, and {' and '.join(names)} may be parts of it; put them into one, `prompt`"
        )
    if names:
        note(f"prompt is the column {names[0]}")
    return values[names[0]] if names else None


def _without_column(where: str, row: Mapping[str, Any], replies: list[Said], note: Note) -> list[Said]:
    """The beginning that both replies share as the prompt, if it is one, and what is left of each."""
    parts = _parted(*replies)
    shared = parts[0]
    if isinstance(shared, str):
        others = {name: text for name, text in row.items() if name not in (*READ, *PROMPTS) and isinstance(text, str)}
        asked = [name for name, text in others.items() if _is_turn(text) or text.rstrip().endswith("?")]
        asked = [name for name in asked if row[name] not in str(row["chosen"])]
        if "\n" not in shared.strip() and (asked or not _is_turn(shared)):
            few = f"both replies share {shared[:60]!r} alone, too little for one"
            why = f"{_columns(dict.fromkeys(asked))} may be it" if asked else few
            raise Malformed(f"{where}: no prompt; {why}; it holds {_columns(row)}; call the prompt's column `prompt`")
    elif not shared:
        raise Malformed(f"{where}: no prompt, and the replies share no message; it holds {_columns(row)}; {HELP}")
    note("shared")
    return parts


def _parted(chosen: Any, rejected: Any) -> list[Any]:
    """The beginning that both share, and what is left of each; a space before a reply stays with it, as in trl."""
    same = 0
    while same < min(len(chosen), len(rejected)) and chosen[same] == rejected[same]:
        same += 1
    if isinstance(chosen, str) and same and chosen[same - 1] == " ":
        same -= 1
    return [chosen[:same], chosen[same:], rejected[same:]]


def _without_prompt(prompt: Said, replies: Sequence[Said], note: Note) -> list[Said]:
    """The replies without the prompt at their head: where both have it there, or one has and chance cannot be why."""
    repeating = [_repeats(prompt, reply) for reply in replies]
    chance = isinstance(prompt, str) and not _is_turn(prompt)
    if not is_empty(prompt) and (all(repeating) or (any(repeating) and not chance)):
        note("repeated")
        return [reply[len(prompt) :] if again else reply for reply, again in zip(replies, repeating, strict=True)]
    return list(replies)


def _repeats(prompt: Said, reply: Said) -> bool:
    after = reply[len(prompt) : len(prompt) + 1]
    within_word = isinstance(prompt, str) and isinstance(after, str) and prompt[-1:].isalnum() and after.isalnum()
    return reply[: len(prompt)] == prompt and not within_word


def _is_turn(text: str) -> bool:
    """Whether a text is long enough to be what somebody said: some words, or more than a line."""
    return len(WORD.findall(text)) >= FEWEST_WORDS or "\n" in text.strip()


def _tell(where: str, parts: list[Said], note: Note) -> None:
    """Refuse turns out of order, and tell of what a reader may not expect."""
    prompt, *replies = parts
    if isinstance(prompt, str):
        if not prompt[-1].isspace() and not all(str(reply)[0].isspace() for reply in replies):
            note("joined")
        return
    for side, reply in zip(SIDES, replies, strict=True):
        refuse_turns(where, side, prompt, reply)  # type: ignore[arg-type]  # one kind in all
    if max(map(len, replies)) > 1:
        note("turns")
