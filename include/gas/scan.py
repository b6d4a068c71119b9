"""Finds the JSON objects in an answer, whatever lies between and around them.

ADICT says it sends one object per line, and mostly does. Objects were also seen glued together, spread over many lines,
after stray bytes, inside one envelope or array, and with a bracket missing. So the text is read as a run of braces:
what is good is kept, what is broken is counted, and no input raises. The time taken grows with the length alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]

# Inside an object: a brace, or a whole string. JSON strings hold no line break, so a string that meets one was cut off
# and ends there, or one missing quote would turn the rest of the answer inside out.
_TOKEN = re.compile(r'[{}]|"(?:[^"\\\r\n]|\\[^\r\n])*+"?')
_NOTHING = re.compile(r"(?:[\s\x00\ufeff\u200b\ufffd\u00a0\[\],;]|null)*")
_DECODER = json.JSONDecoder()
_LENIENT = json.JSONDecoder(strict=False)  # lets raw tabs in strings pass
_UNDECODED = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}

_PATIENCE = 20
"""How many failures of the plain decoder to put up with: to say where it failed it counts lines from the very start."""

_DEPTH = 3
"""How many levels below a broken object good ones are looked for; without a bound, time would grow with its square."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in a text.

    :param objects: the good objects, in order.
    :param broken: what could not be read: where and why, without quoting it.
    """

    objects: list[JsonObject] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Frame:
    start: int
    end: int = -1  # position after the closing brace; -1 while open
    children: list[_Frame] = field(default_factory=list)


def scan(text: str | bytes) -> Scan:
    """Find all JSON objects in an answer.

    An object that wraps others under a key `liste_...` is replaced by them, followed by what else it says.

    :param text: the body as received; bytes are read as UTF-8, and what is not UTF-8 as Latin-1.
    :return: the good objects and a note per broken one. Never raises.
    """
    source = _text(text)
    found = Scan()
    position = source.find("{")
    failures = 0
    while position != -1:
        end = -1
        if failures < _PATIENCE:
            try:
                value, end = _DECODER.raw_decode(source, position)
                found.objects.extend(_unwrap(value))
            except (ValueError, RecursionError):
                failures += 1
        if end == -1:
            end = _recover(source, position, found)
        position = source.find("{", end)
    if not found.objects and not found.broken and _NOTHING.fullmatch(source) is None:
        found.broken.append(f"no JSON object in {len(source)} characters")
    return found


def is_blank(text: str | bytes) -> bool:
    """Tell whether an answer says nothing: no bytes, blanks, or an empty list.

    :param text: the body as received.
    """
    return _NOTHING.fullmatch(_text(text)) is not None


def _text(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace")
    return text.decode("utf-8", "surrogateescape").translate(_UNDECODED)


def _recover(source: str, start: int, found: Scan) -> int:
    """Read a run of braces that plain decoding refuses; return where to go on."""
    root = _Frame(start)
    stack = [root]
    for token in _TOKEN.finditer(source, start + 1):
        mark = source[token.start()]
        if mark == "{":
            frame = _Frame(token.start())
            stack[-1].children.append(frame)
            stack.append(frame)
        elif mark == "}":
            stack.pop().end = token.end()
            if not stack:
                _keep(source, root, found, _DEPTH)
                return root.end
    for frame in stack:  # outermost first, so in the order of the text
        if _is_value(source, frame.start):
            continue  # the inside of an object that is reported already
        found.broken.append(f"object at character {frame.start}: never closed")
    for frame in stack:
        for child in frame.children:
            if child.end != -1 and not _is_value(source, child.start):
                _keep(source, child, found, _DEPTH)
    return len(source)


def _keep(source: str, frame: _Frame, found: Scan, depth: int) -> None:
    piece = source[frame.start : frame.end]
    try:
        found.objects.extend(_unwrap(_LENIENT.decode(piece)))
        return
    except json.JSONDecodeError as error:
        found.broken.append(f"object at character {frame.start}: {error.msg} at character {frame.start + error.pos}")
    except (ValueError, RecursionError) as error:
        found.broken.append(f"object at character {frame.start}: {type(error).__name__}")
    if depth > 0:
        for child in frame.children:
            if not _is_value(source, child.start):
                _keep(source, child, found, depth - 1)


def _is_value(source: str, start: int) -> bool:
    """Tell whether the object that starts here is the value of a key, so a part of a line rather than a line."""
    before = start - 1
    while before >= 0 and start - before < 64 and source[before].isspace():
        before -= 1
    return before >= 0 and source[before] == ":"


def _unwrap(value: JsonObject) -> list[JsonObject]:
    for key, inner in value.items():
        if key.startswith("liste_") and isinstance(inner, list) and all(isinstance(each, dict) for each in inner):
            rest = {other: content for other, content in value.items() if other != key}
            return [*inner, rest] if rest else list(inner)
    return [value]
