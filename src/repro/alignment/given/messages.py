"""The values of a row: texts, and messages with a role, whether a file holds them as objects or as JSON in a text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Any

from repro.alignment.given.rows import Malformed
from repro.corpora.tables.unpacking import first_line

Said = str | list[dict[str, Any]]
Note = Callable[[str], None]
ROLES = ("system", "developer", "user", "assistant", "tool")
OBJECTS: dict[str, type] = {"tools": list, "chat_template_kwargs": dict}  # columns that are neither text nor messages
SET_HERE = {"tokenize", "return_dict", "add_generation_prompt", "tools"}  # of what a chat template is given
HALF = re.compile("[\ud800-\udfff]")  # of a character beyond the first 65,536, without its other half
TALK = re.compile(r"""\s*\[\s*\{\s*["'](role|content|from|value)["']\s*:""")


def read_value(where: str, name: str, value: Any, note: Note) -> Any:
    """A column as text or messages: JSON in a text is parsed, halves of characters replaced; `note` is told of both.

    Raises:
        Malformed: it is neither, or has what no text can say.
    """
    if isinstance(value, str) and (name in OBJECTS or TALK.match(value)):
        value = _from_text(where, name, value) if value.strip() else None
        if name not in OBJECTS:
            note("parsed")
    whole = _whole(value)
    if whole != value:
        note("halves")
    if name in OBJECTS:
        return _object(where, name, whole)
    if isinstance(whole, list | dict):
        messages = whole if isinstance(whole, list) else [whole]
        return [_message(where, name, message) for message in messages]
    if not isinstance(whole, str):
        raise Malformed(f"{where}: {name} is {kind_of(whole)}; expected a text or a list of messages")
    return whole


def _object(where: str, name: str, value: Any) -> Any:
    """Tools, or what a chat template is given besides; None where there is none."""
    if type(value) not in (type(None), OBJECTS[name]):
        raise Malformed(f"{where}: {name} is {kind_of(value)}; expected a JSON {OBJECTS[name].__name__}, or nothing")
    if name == "tools" and not all(_is_function(tool) for tool in value or []):
        raise Malformed(f"{where}: tools is no list of functions with names; expected JSON schemas, as trl has them")
    if name != "tools" and (own := sorted(SET_HERE & set(value or ()))):
        raise Malformed(f"{where}: {name} holds {own[0]}, which is set here; leave it out")
    return value


def _from_text(where: str, name: str, text: str) -> Any:
    """JSON in a text; or lists as Python prints them, which pandas leaves in a CSV."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return json.loads(json.dumps(ast.literal_eval(text.strip())))
    except (ValueError, SyntaxError, TypeError, MemoryError):
        raise Malformed(
            f"{where}: {name} is a text that begins like JSON and is none ({text[:40]!r}); write it as JSON"
        ) from None


def _whole(value: Any) -> Any:
    """The value with U+FFFD for each half of a character, which no tokeniser takes."""
    if isinstance(value, str):
        return HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {_whole(key): _whole(one) for key, one in value.items()} if isinstance(value, dict) else value


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "messages"
    return "text" if isinstance(value, str) else type(value).__name__


def _message(where: str, name: str, message: Any) -> dict[str, Any]:
    """A message whose content is a text, without the fields that a table filled with nothing.

    Raises:
        Malformed: it is no message, or holds an image.
    """
    if not isinstance(message, dict):
        raise Malformed(
            f"{where}: {name} is a list of {kind_of(message)}; expected a text, or messages with role and content"
        )
    if not isinstance(message.get("role"), str):
        fields = first_line(", ".join(map(str, message))) or "nothing"
        raise Malformed(f"{where}: a message of {name} has the fields {fields}; expected role and content")
    if message["role"] not in ROLES:
        raise Malformed(f"{where}: {name} has the role {message['role']!r}; expected one of {', '.join(ROLES)}")
    if not all(_is_function(call, inner=True) for call in _listed(message.get("tool_calls"))):
        raise Malformed(
            f"{where}: tool_calls of {name} holds no function with a name; expected {{function: {{name, arguments}}}}"
        )
    content, parts = message.get("content"), []
    for block in content if isinstance(content, list) else []:
        block = {"type": "text", "text": block} if isinstance(block, str) else block
        kind = block.get("type") if isinstance(block, dict) else kind_of(block)
        if kind != "text" or not isinstance(block.get("text"), str):
            raise Malformed(f"{where}: {name} holds a part of the kind {kind!r}; this page's models read text alone")
        parts.append(block["text"])
    content = "".join(parts) if isinstance(content, list) else "" if content is None else content
    if not isinstance(content, str):
        raise Malformed(f"{where}: a message of {name} has {kind_of(content)} as content; expected a text")
    return {key: one for key, one in {**message, "content": content}.items() if one is not None}


def _is_function(value: Any, *, inner: bool = False) -> bool:
    """Whether it is an object with the name of a function; `inner`: in an object of its own."""
    function = value.get("function", None if inner else value) if isinstance(value, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def is_empty(said: Said) -> bool:
    """Whether a text says nothing, or no message stands there, or one of them says nothing; a system message may."""
    if isinstance(said, str):
        return not said.strip()
    spoken = [one for one in said if one["role"] != "system"]
    return not spoken or not all(one["content"].strip() or one.get("tool_calls") for one in spoken)


def written(message: dict[str, Any]) -> str:
    """A message as a text, where no chat template writes it: its content, and its calls of tools as JSON."""
    calls = [json.dumps(call, ensure_ascii=False) for call in message.get("tool_calls") or []]
    return "\n".join(filter(None, [message["content"], *calls]))


def spoken(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> list[tuple[str, str]]:
    """Who or what a chat template has to write out, and words by which that is seen.

    What the assistant thought and what a tool answered, templates drop or quote.
    """
    names = [("list of tools", str(tool.get("function", tool).get("name", ""))) for tool in tools or []]
    for message in messages:
        if message["role"] not in ("assistant", "tool"):
            names.append((f"message of the {message['role']}", message["content"].strip()))
        names += [("call of a tool", str(call["function"]["name"])) for call in message.get("tool_calls", [])]
    return names


def refuse_turns(where: str, side: str, prompt: list[dict[str, Any]], reply: list[dict[str, Any]]) -> None:
    """Refuse a conversation in which the assistant has the last word of a prompt, or not the first and last of a reply.

    Which other orders of roles a model knows its chat template decides.
    """
    asked, said = ([message["role"] for message in part] for part in (prompt, reply))
    if asked[-1] == "assistant" or {said[0], said[-1]} != {"assistant"}:
        raise Malformed(
            f"{where}: the prompt has the roles {', '.join(asked)}, and {side} {', '.join(said)}; expected a prompt "
            "that ends before the assistant speaks, and a reply that the assistant begins and ends; mend the order"
        )
