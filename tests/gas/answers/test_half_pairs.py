"""Half a surrogate pair never gets as far as CouchDB, which refuses all that is sent with it."""

from __future__ import annotations

import json
import random

import pytest

from include.gas.answers.half_pairs import without_half_pairs
from include.gas.answers.scan import scan


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'"\ud83d"', "\ufffd"),
        (r'"\uDE00 a"', "\ufffd a"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (r'"\ude00\ud83d"', "\ufffd\ufffd"),
        (r'"\\ud83d"', "\\ud83d"),
        (r'"\\\ud83d"', "\\\ufffd"),
        (r'"\ud83d\n\ud83d"', "\ufffd\n\ufffd"),
        (r'"é\u00e9"', "éé"),
    ],
)
def test_half_pairs(written: str, read: str) -> None:
    assert json.loads(without_half_pairs(written)) == read
    assert len(without_half_pairs(written)) == len(written)


def test_any_text() -> None:
    """What is read afterwards is what was read before, but for the halves."""
    some = random.Random(7)
    for _ in range(3000):
        pieces = some.choices(["\ud83d", "\ude00", "\\", '"', "u", "d83d", "é", "\n", "\U0001f600"], k=8)
        text = "".join(pieces)
        whole = json.loads(json.dumps(text))  # two halves beside each other are a pair then
        expected = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in whole)
        assert json.loads(without_half_pairs(json.dumps(text))) == expected


def test_an_answer() -> None:
    text = '{"pce": "1", "word": "\\ud83d"}\n{"pce": "2", "word": "\\ud83d\\ude00"}'
    assert [each["word"] for each in scan(text).objects] == ["\ufffd", "\U0001f600"]
    assert [each["word"] for each in scan(text.encode()).objects] == ["\ufffd", "\U0001f600"]
