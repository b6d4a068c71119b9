"""Finds the JSON objects in an answer, whatever is between them: ADICT's were seen glued, split and wrapped."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from include.gas.answers.lone_surrogates import replace_lone_surrogates

JsonObject = dict[str, Any]

MOST_BROKEN = 10_000
"""Broken objects after which the rest of an answer is not read: it is not GRDF's."""
_LINES = msgspec.json.Decoder(JsonObject)
_DECODER = json.JSONDecoder(strict=False)  # accepts raw tabs in strings
_INSIDE = re.compile(r"(?<!:)(?<!: )\{")
"""Start of an object inside or behind a broken one, but not of a key's value."""
_NOTHING = re.compile(r"[\s\x00\ufeff\ufffd\[\],;]*(null)?\s*")


@dataclass(frozen=True, slots=True)
class FoundObjects:
    """The good objects in order, and where and why others could not be read, without quoting them."""

    objects: list[JsonObject] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def find_objects(text: str | bytes) -> FoundObjects:
    """Return all JSON objects in an answer and never raise. Those in a key ``liste_...`` replace their envelope."""
    with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):  # the usual case
        lines = _LINES.decode_lines(text)
        return FoundObjects([each for line in lines for each in _unwrap(line)])
    source = replace_lone_surrogates(text if isinstance(text, str) else text.decode("utf-8", "replace"))
    found = FoundObjects()
    start = source.find("{")
    while start != -1:
        try:
            value, end = _DECODER.raw_decode(source, start)
        except (ValueError, RecursionError) as error:  # also for a number with thousands of digits
            why = f"{error.msg} at {error.pos}" if isinstance(error, json.JSONDecodeError) else type(error).__name__
            found.broken.append(f"object at character {start}: {why}")
            if len(found.broken) == MOST_BROKEN:
                found.broken.append("and more that are not read")
                break
            inside = _INSIDE.search(source, start + 1)
            start = inside.start() if inside else -1
        else:
            found.objects.extend(_unwrap(value))
            start = source.find("{", end)
    if not (found.objects or found.broken or _NOTHING.fullmatch(source)):
        found.broken.append(f"no JSON object in {len(source)} characters")
    return found


def _unwrap(value: JsonObject) -> list[JsonObject]:
    for key, inner in value.items():
        if key.startswith("liste_") and isinstance(inner, list) and all(isinstance(each, dict) for each in inner):
            rest = {other: content for other, content in value.items() if other != key}
            return [*inner, rest] if rest else list(inner)
    return [value]
