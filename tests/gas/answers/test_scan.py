"""The scanner handles every layout that ADICT has been seen to use, and anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.gas.answers.scan import MOST_BROKEN, scan

A, B, C = {"pce": {"id_pce": "1"}, "n": 1}, {"pce": {"id_pce": "2"}, "t": 'a}"{b'}, {"code_statut_traitement": "0"}
JA, JB, JC = json.dumps(A), json.dumps(B), json.dumps(C)


@pytest.mark.parametrize(
    "text",
    [
        f"{JA}\n{JB}\n{JC}\n", f"{JA}\r\n\r\n{JB}\r\n{JC}", f"{JA}{JB}{JC}",
        f"\n\n  {json.dumps(A, indent=1)}{json.dumps(B, indent=4)}\n{JC}\n\n", f"\ufeff{JA}\u00a0{JB} null , {JC}",
        f"[{JA},{JB},{JC}]", f'{{"liste_acces":[{JA},{JB}],"code_statut_traitement":"0"}}',
        f"HTTP junk ]]> {JA} }} }} {JB} \x00\x01 \" ' {JC} trailing",
    ],
)  # fmt: skip
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


def test_bytes_that_are_no_utf_8_cost_no_line() -> None:
    text = '{"a":"é"}'.encode() + '{"b":"é"}'.encode("latin-1") + b'{"c":"\xc3'
    found = scan(text)
    assert found.objects == [{"a": "é"}, {"b": "\ufffd"}]
    assert len(found.broken) == 1


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


@given(st.lists(OBJECTS, min_size=1, max_size=4), st.data())
def test_a_cut_never_costs_more_than_one_object(objects: list[dict[str, Any]], data: st.DataObject) -> None:
    pieces = [json.dumps(value) for value in objects]
    text = "\n".join(pieces)
    cut = data.draw(st.integers(0, len(text)))
    ends = [len("\n".join(pieces[: n + 1])) for n in range(len(pieces))]
    whole = sum(1 for end in ends if end <= cut)
    assert scan(text[:cut]).objects[:whole] == objects[:whole]


@pytest.mark.parametrize("text", ["{" * 200_000, "{}}{x}" * 20_000, '{"a":[{"b":' * 20_000])
def test_an_answer_that_is_broken_throughout_is_given_up(text: str) -> None:
    assert len(scan(text).broken) == MOST_BROKEN + 1
