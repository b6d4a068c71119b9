"""The scanner handles every layout that ADICT has been seen to use, and anything else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.gas.answers.scan import LARGEST, MOST, scan

A, B, C = {"pce": {"id_pce": "1"}, "n": 1}, {"pce": {"id_pce": "2"}, "t": 'a}"{b'}, {"code_statut_traitement": "0"}
JA, JB, JC = json.dumps(A), json.dumps(B), json.dumps(C)


@pytest.mark.parametrize(
    "text",
    [
        f"{JA}\n{JB}\n{JC}\n",
        f"{JA}\r\n\r\n{JB}\r\n{JC}",
        f"{JA}{JB}{JC}",
        f"\n\n  {json.dumps(A, indent=1)}{json.dumps(B, indent=4)}\n{JC}\n\n",
        f"\ufeff{JA}\u00a0{JB} null , {JC}",
        f"[{JA},{JB},{JC}]",
        f'{{"liste_acces":[{JA},{JB}],"code_statut_traitement":"0"}}',
        f"HTTP junk ]]> {JA} }} }} {JB} \x00\x01 \" ' {JC} trailing",
    ],
)
def test_layouts(text: str) -> None:
    for body in (text, text.encode()):
        found = scan(body)
        assert found.objects == [A, B, C]
        assert found.broken == []


@pytest.mark.parametrize(
    "text",
    [
        f'{JA}\n{{"pce": {{"id_pce": "9"}}, "x": 1\n{JB}\n{JC}',  # a bracket is missing
        f'{JA}\n{{"pce": {{"id_pce": "9"\n{JB}\n{JC}',  # two are
        f'{JA}\n{{"pce": {{"id_pce": "9\n{JB}\n{JC}',  # and a quote
        f'{JA}{JB}{JC}\n{{"pce": {{"id_pce": "9',  # the end is missing
        f'{JA}{JB}{{"pce": {{"id_pce": 9}} "x"}}{JC}',  # a comma is missing
        f'{JA}{JB}{{"pce": NOTHING}}{JC}',
        f'{{"liste_acces":[{JA},{JB},{JC}',  # an envelope is cut off
        f'{{"liste_acces":[{JA},{JB},{JC}] oops}}',
        f"[{JA},{JB},{JC},{{",
    ],
)
def test_the_good_are_kept_and_the_bad_counted(text: str) -> None:
    found = scan(text)
    assert found.objects == [A, B, C]
    assert len(found.broken) == 1


def test_a_raw_tab_in_a_message_is_forgiven() -> None:
    assert scan('{"message":"a\tb"}').objects == [{"message": "a\tb"}]


def test_bytes_that_are_no_utf_8_are_latin_1_one_by_one() -> None:
    text = '{"a":"é"}'.encode() + '{"b":"é"}'.encode("latin-1") + b'{"c":"\xc3'
    assert scan(text).objects == [{"a": "é"}, {"b": "é"}]
    assert scan('{"a":"é"}'.encode("utf-16")).objects == [{"a": "é"}]


def test_the_notes_quote_nothing() -> None:
    text = '{"courriel": "personne@example.org", oops}  {"token": "s3cr3t"'
    assert len(scan(text).broken) == 2
    assert not any(word in note for note in scan(text).broken for word in ("personne", "s3cr3t", "oops"))


@pytest.mark.parametrize("blank", ["", " \n", "\ufeff", "[]", "[ ]\n", "null", b"", b"\xc2\xa0"])
def test_nothing_is_nothing(blank: str | bytes) -> None:
    assert scan(blank).objects == scan(blank).broken == []


def test_a_page_without_objects_is_broken() -> None:
    assert scan("<html>Bad gateway</html>").broken == ["no JSON object in 24 characters"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=6).filter(lambda key: not key.startswith("liste_")), JSON_VALUES, max_size=4)
JUNK = st.text(max_size=12).map(lambda text: text.replace("{", ""))
LAYOUTS = st.fixed_dictionaries({"indent": st.sampled_from([None, 0, 2]), "ensure_ascii": st.booleans()})


@given(st.lists(st.tuples(OBJECTS, JUNK, LAYOUTS), max_size=6), JUNK, st.booleans())
def test_any_objects_in_any_junk(
    parts: list[tuple[dict[str, Any], str, dict[str, Any]]], start: str, raw: bool
) -> None:
    text = start + "".join(json.dumps(value, **layout) + junk for value, junk, layout in parts)
    found = scan(text.encode() if raw else text)
    assert found.objects == [value for value, _, _ in parts]
    assert not parts or not found.broken


@given(st.binary(max_size=200))
@example(b"\xff\xfe{")
@example(b"{" * 3000)
@example(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)
@example(b'{"a":' + b"1" * 5000 + b"}")
@example(b'{"a":[' * 3000 + b"}" * 3000)
@example(b'{"\\')
def test_any_bytes_never_raise(text: bytes) -> None:
    scan(text)


@given(st.lists(st.sampled_from([*'{}[]":,\\ \n\ta1é', '"a":', "{}", '"liste_a":[', '{"a":1}', "null"]), max_size=60))
def test_anything_that_looks_like_json_never_raises(parts: list[str]) -> None:
    text = "".join(parts)
    found = scan(text)
    assert len(found.objects) + len(found.broken) <= len(text) + 1
    assert scan("".join(json.dumps(value) for value in found.objects)).objects == found.objects or "liste_" in text


@given(st.lists(OBJECTS, min_size=1, max_size=4), st.data())
def test_a_cut_never_costs_more_than_one_object(objects: list[dict[str, Any]], data: st.DataObject) -> None:
    pieces = [json.dumps(value) for value in objects]
    text = "\n".join(pieces)
    cut = data.draw(st.integers(0, len(text)))
    ends = [len("\n".join(pieces[: n + 1])) for n in range(len(pieces))]
    whole = sum(1 for end in ends if end <= cut)
    assert scan(text[:cut]).objects[:whole] == objects[:whole]


@pytest.mark.parametrize(
    "unit",
    [
        "{",
        "}",
        '{"',
        '"',
        "\\",
        '{"a":',
        '{"a":[',
        '{"a":[{',
        "{\n",
        '{"a":1}',
        '{"a":"\n',
        "{}x",
        '{"a":{"b":1,}}',
        "[{",
    ],
)
@pytest.mark.parametrize("closing", ["", "}", "]}"])
def test_time_grows_with_the_length_alone(unit: str, closing: str) -> None:
    def seconds(times: int) -> float:
        text = unit * times + closing * times
        start = time.process_time()
        scan(text)
        return time.process_time() - start

    # A text eight times as long may take about 8 times as long. If the time were quadratic, it would be 64 times.
    # Measured again if it seems too slow: on a busy machine, even the CPU time of a process varies.
    assert any(seconds(40_000) < 0.2 + 20 * seconds(5_000) for _ in range(4))


def lean(text: str) -> tuple[float, int, int]:
    """Scan a text in a separate process. Return its peak memory in bytes per byte of text, and what it found."""
    code = (
        "import resource, sys\n"
        "from include.gas.answers.scan import scan\n"
        f"text = {text}\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak()\n"
        "found = scan(text)\n"
        "read = sum(1 for each in found.objects)\n"
        "assert read == len(found.objects)\n"
        "print((peak() - before) / len(text), read, len(found.broken))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    factor, objects, broken = done.stdout.split()
    return float(factor), int(objects), int(broken)


@pytest.mark.parametrize(
    ("text", "objects", "broken"),
    [
        (f"{JA + ' ' * 900!r} * 20_000", 20_000, 0),
        ("'{}\\n' * 6_000_000", MOST, 1),
        ("'{' * 8_000_000", 0, 10_001),
        ("'{\"a\":' * 2_000_000", 0, 2),
        ("'{{}' * 300_000", None, 10_001),
        ("'{\"liste_x\":[' + '{},' * 400_000 + '{}]}'", 400_001, 0),
        ("'{\"a\":[' + '[],' * 4_000_000 + '1]}'", 0, 1),
        ("'{x}' * 40_000", 0, 10_001),
        ("' ' * 20_000_000", 0, 0),
        ("'{\"' + 'a' * 20_000_000", 0, 1),
        ('\'{"erreur":"x"}\' * 1_000_000', MOST, 1),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_memory_grows_by_a_small_factor_of_the_length(text: str, objects: int | None, broken: int) -> None:
    factor, found, notes = lean(text)
    assert factor < 4
    assert objects is None or found == objects
    assert notes == broken


def test_an_envelope_that_is_too_large_to_be_decoded_is_read_all_the_same() -> None:
    number = 2 * LARGEST // len(JA)
    lines = ",\n ".join([JA] * number)
    text = f'{{"liste_acces":[{lines}],"code_statut_traitement":"0"}}\n{JB}'
    found = scan(text)
    assert found.objects == [A] * number + [C, B]
    assert found.broken == []
    cut = scan(text[: text.rindex("]")])
    assert cut.objects == [A] * number
    assert len(cut.broken) == 1
    assert (cut.objects[0], cut.objects[-1], cut.objects[3:5]) == (A, A, [A, A])
    assert scan(text.replace("liste_acces", "autre", 1)).objects == [A] * number + [C | {"autre": []}, B]


def test_a_single_object_that_is_too_large_is_broken_and_costs_no_other() -> None:
    found = scan(f'{JA}{{"message":"{"x" * LARGEST}"}}{JB}{{"a":[{"0," * LARGEST}0]}}{JC}')
    assert found.objects == [A, B, C]
    assert [note.partition(": ")[2] for note in found.broken] == [f"larger than {LARGEST} characters"] * 2


def test_an_object_that_nests_more_deeply_than_any_of_grdf_s_is_broken() -> None:
    deep = '{"a":' * 200 + "1" + "}" * 200
    found = scan(JA + deep + JB)
    assert found.objects == [A, B]
    assert len(found.broken) == 1
    assert scan('{"a":' * 50 + "[[1]]" + "}" * 50).broken == []
