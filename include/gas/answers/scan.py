"""Finds the JSON objects in an answer, whatever is between and around them.

ADICT's documentation promises one object per line, and mostly that is what arrives. But objects were also seen glued
together, spread over several lines, after stray bytes, inside an envelope or an array, and with a bracket missing. So
the text is read as a sequence of braces: good objects are kept, broken ones are counted, and no input raises.

Time and memory grow in proportion to the length of the text. A decoded object takes many times the memory of its text,
so only the position of each object is kept.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from include.gas.answers.half_pairs import without_half_pairs

JsonObject = dict[str, Any]

# Inside an object: a brace or a whole string. JSON strings contain no line breaks, so a string ends at a line break at
# the latest. Otherwise, after one missing quote, strings and the text between them would be confused up to the end.
_TOKEN = re.compile(r'[{}]|"(?:[^"\\\r\n]++|\\[^\r\n])*+"?')
_BRACKET = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOTHING = re.compile(r"(?:[\s\x00\ufeff\u200b\ufffd\u00a0\[\],;]++|null)*+")
_BETWEEN = " \t\r\n,"
_DECODER = json.JSONDecoder()
_LENIENT = json.JSONDecoder(strict=False)  # accepts raw tabs in strings
_UNDECODED = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}

_PATIENCE = 20
"""Failures of the plain decoder after which it is not used any more. Each failure is expensive, because the decoder
counts lines from the start of the text to say where it failed."""

_DEPTH = 3
"""Levels below a broken object that are searched for good ones. Without a limit, time could grow with the square of the
length."""

LARGEST = 1 << 20
"""Characters in the largest object that is decoded as a whole. A larger one may be an envelope, so the objects inside
it are decoded instead."""
MOST = 500_000
"""Maximum number of objects in one answer, good or broken. Three years of 20 meters are 22,000 lines; a right is one
line."""
_DEEP = 100
"""Maximum levels of brackets in an object. GRDF's objects have four. The decoder's own limit depends on how deep the
call stack already is."""
_NOTES = 10_000
"""Maximum number of notes about broken objects. One more note stands for all that follow."""
_DEEPEST = 10_000
"""Maximum levels of braces that are opened and never closed. Objects below them are not searched for."""


class Objects(Sequence[JsonObject]):
    """The good objects of an answer, in order. An object is decoded on each access and not kept.

    :param source: the answer's text
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces = array("q")  # pairs: start and end in the text, or -1 and an index into ``_rests``
        self._rests: list[JsonObject] = []
        self._count = 0

    def add(self, start: int, end: int, number: int) -> None:
        """Add a piece of the text that can be decoded.

        :param start: index of its first character
        :param end: index after its last character
        :param number: how many objects the piece contains
        """
        self._pieces.extend((start, end))
        self._count += number

    def add_rest(self, value: JsonObject) -> None:
        """Add an envelope's own keys, without the objects inside it."""
        self._pieces.extend((-1, len(self._rests)))
        self._rests.append(value)
        self._count += 1

    def _decoded(self, at: int) -> Iterator[JsonObject]:
        start, end = self._pieces[at], self._pieces[at + 1]
        if start == -1:
            yield self._rests[end]
        else:
            yield from _unwrap(_LENIENT.decode(self._source[start:end]))

    def __len__(self) -> int:
        """Return the number of objects."""
        return self._count

    def __iter__(self) -> Iterator[JsonObject]:
        """Decode the objects one after the other."""
        for at in range(0, len(self._pieces), 2):
            yield from self._decoded(at)

    @overload
    def __getitem__(self, index: int) -> JsonObject: ...

    @overload
    def __getitem__(self, index: slice) -> list[JsonObject]: ...

    def __getitem__(self, index: int | slice) -> JsonObject | list[JsonObject]:
        """Decode the requested objects. All are decoded if a piece may contain several objects."""
        if isinstance(index, slice) or self._count * 2 != len(self._pieces):
            return list(self)[index]
        return next(self._decoded(2 * range(self._count)[index]))

    def __eq__(self, other: object) -> bool:
        """Return whether another sequence contains equal objects."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # unhashable, as a list is


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of :func:`scan`.

    :param objects: the good objects, in order
    :param broken: one note per object that could not be read: where and why, without quoting it
    """

    objects: Sequence[JsonObject] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def scan(text: str | bytes) -> Scan:
    """Return all JSON objects in an answer. Never raise.

    An object that wraps others in a key ``liste_...`` is replaced by those objects, followed by its other keys.

    :param text: the body as received; bytes are read as UTF-8, and bytes that are not UTF-8 as Latin-1
    """
    reader = _Reader(without_half_pairs(_text(text)))
    reader.read()
    return Scan(reader.objects, reader.broken)


def _text(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("utf-8", "surrogateescape").translate(_UNDECODED)


class _Reader:
    """Scans one text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.objects = Objects(source)
        self.broken: list[str] = []
        self.notes = 0
        self.full = False
        self._part, self._part_at = "", 0  # a slice of the text for the plain decoder, and where it starts

    def read(self) -> None:
        position = self.source.find("{")
        failures = 0
        while position != -1 and not self.full:
            end = self._plain(position) if failures < _PATIENCE else -1
            if end == -1:
                failures += 1
                end = self._recover(position)
            position = self.source.find("{", end)
        if not self.objects and not self.broken and _NOTHING.fullmatch(self.source) is None:
            self._note(f"no JSON object in {len(self.source)} characters")

    def _plain(self, position: int) -> int:
        """Decode the object that starts here, and return the position after it; -1 if that fails."""
        at = position - self._part_at
        while True:
            try:
                value, end = _DECODER.raw_decode(self._part, at) if at < len(self._part) else (None, -1)
            except (ValueError, RecursionError):
                value, end = None, -1
            if value is not None:
                if _is_deep(self._part, at, end):
                    return -1
                self._good(position, self._part_at + end, value)
                return self._part_at + end
            if at == 0 and self._part:
                return -1
            # The object may be good but cut off by the end of the slice, so try again with a slice that starts here.
            # A slice is as long as the largest object that is decoded.
            self._part, self._part_at, at = self.source[position : position + LARGEST], position, 0

    def _recover(self, start: int) -> int:
        """Read a run of braces that cannot be decoded as a whole, and return the position to continue from."""
        unclosed, deeper = array("q", [start]), 0
        for token in _TOKEN.finditer(self.source, start + 1):
            mark = self.source[token.start()]
            if mark == "{":
                if len(unclosed) < _DEEPEST:
                    unclosed.append(token.start())
                else:
                    deeper += 1
            elif mark == "}":
                if deeper:
                    deeper -= 1
                    continue
                unclosed.pop()
                if not unclosed:
                    self._keep(start, token.end(), _DEPTH)
                    return token.end()
        for brace in unclosed:  # outermost first, which is the order of the text
            if _is_value(self.source, brace):
                continue  # part of an object that is already reported
            self._note(f"object at character {brace}: never closed")
        if deeper:
            self._note(f"{deeper} more are nested below {_DEEPEST} that are never closed")
        if self.source.find("}", start) != -1:
            for first, end in self._closed(start, len(self.source), unclosed):
                self._keep(first, end, _DEPTH)
        return len(self.source)

    def _keep(self, start: int, end: int, depth: int) -> None:
        """Add a closed object, or the good objects inside it if it is broken."""
        if not self._has_room(1, start):
            return
        if end - start > LARGEST:
            self._open(start, end, depth)
            return
        try:
            value = _LENIENT.decode(self.source[start:end])
        except json.JSONDecodeError as error:
            self._note(f"object at character {start}: {error.msg} at character {start + error.pos}")
        except (ValueError, RecursionError) as error:
            self._note(f"object at character {start}: {type(error).__name__}")
        else:
            if not _is_deep(self.source, start, end):
                self._good(start, end, value)
                return
            self._note(f"object at character {start}: nested more than {_DEEP} levels")
        if depth > 0:
            for first, last in self._closed(start, end):
                self._keep(first, last, depth - 1)

    def _open(self, start: int, end: int, depth: int) -> None:
        """Add the objects inside an object that is too large to be decoded, and then its own keys."""
        rest: list[str] = []
        size, at, inside = 0, start, False
        for first, last in self._closed(start, end) if depth > 0 else ():
            between = self.source[at : min(first, at + LARGEST)].strip(_BETWEEN)
            if between and size <= LARGEST:
                rest.append(between)
                size += len(between)
            at, inside = last, True
            self._keep(first, last, depth - 1)
        rest.append(self.source[at : min(end, at + LARGEST + 1)])
        said = "".join(rest)
        try:
            value = _LENIENT.decode(said) if inside and len(said) <= LARGEST else None
        except (ValueError, RecursionError):
            value = None
        if value is None:
            self._note(f"object at character {start}: larger than {LARGEST} characters")
            return
        value = {key: content for key, content in value.items() if not (key.startswith("liste_") and content == [])}
        if value and self._has_room(1, start):
            self.objects.add_rest(value)

    def _closed(self, start: int, end: int, unclosed: Sequence[int] = ()) -> Iterator[tuple[int, int]]:
        """Return the bounds of the closed objects directly below an object.

        Objects that are the value of a key are part of that object and are left out.

        :param start: where the object starts
        :param end: the position after the object; the end of the text if it is never closed
        :param unclosed: the positions of the object and of those below it that are never closed, outermost first; the
            objects directly below any of them are returned
        """
        level, first, passed = 0, -1, 1
        for token in _TOKEN.finditer(self.source, start + 1, end if unclosed else end - 1):
            mark = self.source[token.start()]
            if mark == "{":
                if level == 0 and passed < len(unclosed) and token.start() == unclosed[passed]:
                    passed += 1
                    continue
                if level == 0:
                    first = token.start()
                level += 1
            elif mark == "}" and level:
                level -= 1
                if level == 0 and not _is_value(self.source, first):
                    yield first, token.end()
                    if self.full:
                        return

    def _good(self, start: int, end: int, value: JsonObject) -> None:
        number = len(_unwrap(value))
        if self._has_room(number, start):
            self.objects.add(start, end, number)

    def _has_room(self, number: int, start: int) -> bool:
        if not self.full and len(self.objects) + self.notes + number > MOST:
            self.full = True
            self.broken.append(f"more than {MOST} objects: those from character {start} on are not read")
        return not self.full

    def _note(self, text: str) -> None:
        self.notes += 1
        if self.notes <= _NOTES:
            self.broken.append(text)
        elif self.notes == _NOTES + 1:
            self.broken.append("and more that are not named one by one")


def _is_deep(source: str, start: int, end: int) -> bool:
    """Return whether valid JSON is nested more deeply than :data:`_DEEP`."""
    if source.count("{", start, end) + source.count("[", start, end) <= _DEEP:
        return False
    level = 0
    for token in _BRACKET.finditer(source, start, end):
        mark = source[token.start()]
        if mark in "{[":
            level += 1
            if level > _DEEP:
                return True
        elif mark in "}]":
            level -= 1
    return False


def _is_value(source: str, start: int) -> bool:
    """Return whether the object that starts here is the value of a key, and so a part of a line and not a line."""
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
