"""Promise 12: after a household has left, nothing of it is found but what the record names, and why."""

from __future__ import annotations

import json

from tests.promises.departures import Departure, bodies, records_of
from tests.promises.stack import AUDIT, LEAVER, ODD_KWH, PEOPLE, RECORDED, RECORDS, STAYER, Stack, dag_of

WHO = PEOPLE[LEAVER]


def test_couchdb_holds_nothing_in_any_revision(stack: Stack, departed: dict[str, Departure]) -> None:
    words = (LEAVER, *WHO.pces, WHO.email)
    audit, neighbours = stack.database(AUDIT), 0
    for database, doc_id, text, kind in bodies(stack):
        neighbours += STAYER in text
        if any(word in doc_id or word in text for word in words):
            assert database == audit, f"{database} {doc_id} is still there ({kind or 'as it was'}): {text}"
            assert not any(word in text for word in WHO.personal), text
    assert neighbours > 10, "what is searched does find a household"


def test_staging_and_our_own_files_hold_nothing(stack: Stack, departed: dict[str, Departure]) -> None:
    words = [word.encode() for word in (LEAVER, *WHO.personal)]
    state = stack.airflow.home / "grdf"
    assert state.is_dir()
    for file in state.rglob("*"):
        assert LEAVER not in str(file)
        assert not (file.is_file() and [word for word in words if word in file.read_bytes()]), file


def test_airflow_s_database_holds_what_the_record_names(stack: Stack, departed: dict[str, Departure]) -> None:
    (record,) = records_of(stack, LEAVER)
    text = json.dumps(record)
    held = stack.columns_with(LEAVER)
    assert {column for column in held if column not in text} == set(), json.dumps(held, indent=1)
    assert stack.columns_with(*WHO.personal, str(ODD_KWH)) == {}
    assert stack.columns_with(STAYER).keys() - held.keys(), "of those who stay it remembers more"


def test_logs_hold_no_more_than_its_id(stack: Stack, departed: dict[str, Departure]) -> None:
    (record,) = records_of(stack, LEAVER)
    assert stack.logs_with(*WHO.personal) == {}
    logs = stack.airflow.home / "logs"
    assert not list(logs.glob(f"*{dag_of(LEAVER)}*"))
    assert list(logs.glob(f"*{dag_of(STAYER)}*"))
    assert not stack.logs_with(LEAVER) or "log" in json.dumps(record)


def test_a_consent_given_on_the_page_leaves_its_record_alone(stack: Stack, departed: dict[str, Departure]) -> None:
    who = departed[RECORDED].who
    records = stack.database(RECORDS)
    for database, doc_id, text, _kind in bodies(stack):
        if database != records:
            assert not any(word in text for word in (who.email, who.phone)), f"{database} {doc_id}"
    assert stack.columns_with(*who.personal) == {}
    assert stack.logs_with(*who.personal) == {}


def test_the_day_from_which_its_meter_is_free_stays_without_the_meter(
    stack: Stack, departed: dict[str, Departure]
) -> None:
    (record,) = records_of(stack, LEAVER)
    assert "~free:" in record["kept"]
    kept = [text for database, doc_id, text, _ in bodies(stack) if doc_id.startswith("~free:")]
    assert kept
    assert all({*json.loads(text)} == {"_id", "_rev", "free_from"} for text in kept)
