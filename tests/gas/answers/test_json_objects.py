"""The scanner handles every layout that ADICT has been seen to use, and anything else; half pairs become a mark."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.gas.answers.json_objects import MOST_BROKEN, find_objects
from include.gas.answers.lone_surrogates import replace_lone_surrogates

A, B, C = {"pce": {"id_pce": "1"}, "n": 1}, {"pce": {"id_pce": "2"}, "t": 'a}"{b'}, {"code_statut_traitement": "0"}
JA, JB, JC = json.dumps(A), json.dumps(B), json.dumps(C)


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
    found = find_objects(text)
    assert (found.objects, len(found.broken)) == ([A, B, C], 1)


@pytest.mark.parametrize(
    ("text", "objects", "broken"),
    [
        ('{"message":"a\tb"}', [{"message": "a\tb"}], 0),  # a raw tab is forgiven
        ('{"a":"é"}'.encode() + '{"b":"é"}'.encode("latin-1") + b'{"c":"\xc3', [{"a": "é"}, {"b": "\ufffd"}], 1),
        (f'{{"liste_acces":[{JA},{JB}],"code_statut_traitement":"0"}}', [A, B, C], 0),
        (f"[{JA},{JB}]", [A, B], 0),
        ('{"liste_x": [1], "a": 2}', [{"liste_x": [1], "a": 2}], 0),
        ('{"courriel": "personne@example.org", oops}  {"token": "s3cr3t"', [], 2),
        ("<html>Bad gateway</html>", [], 1),
        *((blank, [], 0) for blank in ("", " \n", "\ufeff", "[]", "[ ]\n", "null", b"", b"\xc2\xa0")),
    ],
)
def test_odd_bodies(text: Any, objects: list[Any], broken: int) -> None:
    found = find_objects(text)
    assert (found.objects, len(found.broken)) == (objects, broken)
    assert not any(word in note for note in found.broken for word in ("personne", "s3cr3t", "oops", "gateway"))
    assert find_objects("<html>Bad gateway</html>").broken == ["no JSON object in 24 characters"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=6).filter(lambda key: not key.startswith("liste_")), VALUES, max_size=4)
JUNK = st.text(max_size=12).map(lambda text: text.replace("{", ""))
LAYOUTS = st.fixed_dictionaries({"indent": st.sampled_from([None, 0, 2]), "ensure_ascii": st.booleans()})


@given(st.lists(st.tuples(OBJECTS, JUNK, LAYOUTS), max_size=6), JUNK, st.booleans(), st.data())
def test_any_objects_in_any_junk_and_a_cut_costs_one(parts: list[Any], start: str, raw: bool, data: Any) -> None:
    text, ends = start, list[int]()
    for value, junk, layout in parts:
        text += json.dumps(value, **layout)
        ends.append(len(text))
        text += junk
    objects = [value for value, _, _ in parts]
    found = find_objects(text.encode() if raw else text)
    assert found.objects == objects
    assert not parts or not found.broken
    cut = data.draw(st.integers(0, len(text)))
    whole = sum(end <= cut for end in ends)
    assert find_objects(text[:cut]).objects[:whole] == objects[:whole]


@given(st.binary(max_size=200))
@example(b"\xff\xfe{")
@example(b"{" * 3000)
@example(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)
@example(b'{"a":' + b"1" * 5000 + b"}")
@example(b'{"a":[' * 3000 + b"}" * 3000)
@example(b'{"\\')
def test_any_bytes_never_raise(text: bytes) -> None:
    find_objects(text)


@pytest.mark.parametrize("text", ["{" * 200_000, "{}}{x}" * 20_000, ('{"a":[{"b":' * 200 + "x") * 60])
def test_an_answer_that_is_broken_throughout_is_given_up(text: str) -> None:
    assert len(find_objects(text).broken) == MOST_BROKEN + 1


@given(st.lists(st.sampled_from(["\ud83d", "\ude00", "\\", '"', "\\ud83d", "é", "\n", "\U0001f600"]), max_size=9))
def test_half_a_surrogate_pair_never_gets_as_far_as_couchdb_and_nothing_else_is_changed(pieces: list[str]) -> None:
    text = "".join(pieces)
    whole = json.loads(json.dumps(text))  # two halves beside each other are a pair then
    expected = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in whole)
    written = json.dumps(text)
    assert json.loads(replace_lone_surrogates(written)) == expected
    assert len(replace_lone_surrogates(written)) == len(written)
    for body in (f'{{"word": {written}}}', f'{{"word": {written}}}'.encode()):
        assert find_objects(body).objects == [{"word": expected}]
    assert json.loads(replace_lone_surrogates(r'"\uDE00 a"')) == "\ufffd a"
