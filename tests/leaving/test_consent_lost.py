"""A consent that ended at GRDF is reported once on the account. No further calls are made until something changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.errors import ConsentLost, ConsentTooNarrow, CredentialsRefused, FailNow, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.sandbox.connect import consent
from tests.helpers import days_of, holder, known_account, stored, yesterday
from tests.leaving.household import rights
from tests.leaving.runs import acquire, check, extract, load

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
PERMISSIONS = "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"


def recent(world: LocalWorld) -> dict[str, str]:
    return {"conso_debut": str(yesterday(world) - timedelta(days=20))}


def account_of(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def run_well(world: LocalWorld, account: str, run_type: str = "manual") -> None:
    day = yesterday(world)
    acquire(account, run_type)
    load(account, extract(account, day, run_type), day)


@pytest.mark.parametrize(
    ("code", "state", "sentence"),
    [
        ("1000000", OUTDATED, "moved out"),
        ("1000001", OUTDATED, "expired"),
        ("1000002", OUTDATED, "no right of access"),
        ("1000009", PERMISSIONS, "does not include published data"),
        ("1000010", PERMISSIONS, "does not include daily"),
        ("1000011", OUTDATED, "proof of consent invalid"),
        ("1000014", OUTDATED, "revoked the consent"),
        ("9990005", PERMISSIONS, "does not include what was asked"),
    ],
)
def test_each_refusal(clean: LocalWorld, account_id: str, code: str, state: str, sentence: str) -> None:
    (pce,) = known_account(clean, account_id, **recent(clean))
    run_well(clean, account_id)
    clean.control.set_quirks(pce, refusal=code)
    (right,) = rights(clean, (pce,))
    clean.control.change_consent(right, etat_droit_acces="Obsolète")  # nothing contradicts it
    before = datetime.now(UTC).replace(microsecond=0)
    with pytest.raises((ConsentLost, ConsentTooNarrow), match=sentence):
        extract(account_id, yesterday(clean))
    marked = account_of(clean, account_id)
    assert marked["state"] == state
    assert sentence in marked["state_message"]
    assert account_id in marked["state_message"]
    assert before <= datetime.fromisoformat(marked["state_since"]) <= datetime.now(UTC)
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException, match=sentence) as skipped:
        acquire(account_id)
    assert state in str(skipped.value)
    assert "A run started by hand tries anyway" in str(skipped.value)
    assert clean.control.log() == [], "GRDF was left alone"
    assert account_of(clean, account_id) == marked
    clean.control.set_quirks(pce)
    clean.control.change_consent(right, etat_droit_acces="Active")
    run_well(clean, account_id)
    healed = account_of(clean, account_id)
    assert not healed["state"]
    assert not {"state_message", "state_since", "state_partial"} & healed.keys()
    run_well(clean, account_id, "scheduled")


def test_of_two_meters_the_other_is_read_on(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    lost, kept = known_account(clean, account_id, 2, **recent(clean))
    clean.control.revoke(next(iter(rights(clean, (lost,)))))
    day = yesterday(clean)
    staged = extract(account_id, day)
    with pytest.raises(FailNow, match="not everything could be read"):
        load(account_id, staged, day)
    assert stored(couchdb, account_id, lost) == {}
    first = stored(couchdb, account_id, kept)
    assert first
    marked = account_of(clean, account_id)
    assert marked["state"] == OUTDATED
    assert marked["state_partial"] is True
    assert meter_tag(account_id, lost) in marked["state_message"]
    changed = max(days_of(first))
    clean.control.correct(kept, changed, first[changed] + 5)
    clean.control.clear_log()
    acquire(account_id)  # a scheduled run goes on, without the meter that GRDF's list calls lost
    load(account_id, extract(account_id, day), day)
    assert stored(couchdb, account_id, kept)[changed] == first[changed] + 5
    assert not account_of(clean, account_id).get("state"), "a meter that is over beside one in force is history"


def test_a_meter_that_grdf_does_not_list_is_left_out_until_it_is_there_again(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    lost, kept = known_account(clean, account_id, 2, **recent(clean))
    clean.control.revoke(next(iter(rights(clean, (lost,)))))
    check()
    clean.control.clear_log()
    run_well(clean, account_id, "scheduled")  # so DAGs triggered by its data learn about the other meter
    assert [call["pce"] for call in clean.control.log() if call["path"].endswith("informatives")] == [kept]
    assert stored(couchdb, account_id, kept)
    assert not account_of(clean, account_id).get("state")

    grant = consent(clean.facts, holder(account_id), **recent(clean))  # only for the lost one
    clean.book.save(account_of(clean, account_id) | {"oauth": dict(grant)})
    run_well(clean, account_id, "scheduled")
    assert stored(couchdb, account_id, lost)
    assert not account_of(clean, account_id).get("state")


def test_the_other_meter_is_read_on_even_if_it_gave_nothing_that_day(clean: LocalWorld, account_id: str) -> None:
    lost, kept = known_account(clean, account_id, 2, **recent(clean))
    clean.control.revoke(next(iter(rights(clean, (lost,)))))
    clean.control.fault(f"/pce/{kept}/", status=503, times=None)
    with pytest.raises((ConsentLost, ServiceUnavailable)):
        extract(account_id, yesterday(clean))
    clean.control.set(faults=[])
    acquire(account_id)  # if skipped, it would not be read again until somebody notices
    assert extract(account_id, yesterday(clean))["counts"]["readings"] > 0


@pytest.mark.parametrize("path", ["/donnees_consos_informatives", "/access_token"])
def test_our_own_credentials_refused_mark_nobody(clean: LocalWorld, account_id: str, path: str) -> None:
    known_account(clean, account_id, **recent(clean))
    before = account_of(clean, account_id)
    body = {"error": "invalid_client"} if path == "/access_token" else None
    clean.control.fault(path, status=401, times=None, body=body)
    with pytest.raises(CredentialsRefused, match="login and password"):
        extract(account_id, yesterday(clean))
    assert account_of(clean, account_id) == before
    acquire(account_id)


def test_a_code_refused_is_dropped_and_waited_for(clean: LocalWorld, account_id: str) -> None:
    from include.gas.errors import GrantRefused
    from tests.helpers import connect_code

    clean.control.set(code_lifetime_s=0)
    connect_code(clean, account_id)
    with pytest.raises(GrantRefused):
        acquire(account_id)
    marked = account_of(clean, account_id)
    assert marked["state"] == OUTDATED
    assert "code" not in marked["oauth"]
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    assert clean.control.log() == []
    clean.control.set(code_lifetime_s=60)
    connect_code(clean, account_id)
    assert acquire(account_id)["first_launch"] is True
