"""A record of consent stays while a right may rest on it, and an import leaves other ways' declarations alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.errors import RetryLater
from include.gas.importing import line_check
from tests.importing.scene import files, folder, household, put, records, result, run
from tests.importing.scene import rights as all_rights
from tests.leaving.runs import acquire
from tests.rights.scene import bring, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(210_000)


@pytest.fixture
def home(clean: LocalWorld) -> Iterator[dict[str, str]]:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.gas.documents.gas_days import account_range

    for name in files():
        folder().remove(name)
    clean.control.clear_log()
    made = household(next(_numbers))
    yield made
    clean.book.remove(made["account"])
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *account_range(made["account"]))


def lost(world: LocalWorld, home: dict[str, str], *, taken: bool = True) -> None:
    put([home])
    world.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", status=503, after=taken)
    with pytest.raises(RetryLater):
        run()


def emails(home: dict[str, str]) -> list[str]:
    return [record.entered.email for record in records(home["account"])]


def test_the_record_of_a_right_whose_answer_was_lost_stays(clean: LocalWorld, home: dict[str, str]) -> None:
    lost(clean, home)
    put([home | {"email": "planted-right@example.org"}])
    assert run(skip=True) == {"refused": 1}
    (right,) = [each for each in all_rights(clean) if each["id_pce"] == home["pce"]]
    assert right["courriel_titulaire"] == home["email"]
    assert home["email"] in emails(home)


def test_a_declaration_of_another_way_that_waits_stays(clean: LocalWorld, home: dict[str, str]) -> None:
    """The page has asked GRDF, which did not answer. The account's DAG is about to ask again."""
    account = home["account"]
    given = {key: home[key] for key in ("pce", "name", "postcode", "email")}
    connected = {"at": datetime.now(UTC).isoformat(), "by": "someone"}
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon", "declaration": given, "connected": connected})
    before = document(clean, account)
    put([home | {"email": "planted-else@example.org"}, household(next(_numbers))])
    assert run(skip=True) == {"declared": 1, "wrong": 1}
    assert result()[0]["reason"] == line_check.OTHER
    assert document(clean, account) == before
    put([home])
    assert run() == {"declared": 1}
    assert document(clean, account)["connected"] == connected
    assert records(account) == [], "the page has stored it"


def test_a_declaration_that_was_refused_may_be_corrected_by_an_import(clean: LocalWorld, home: dict[str, str]) -> None:
    given = {key: home[key] for key in ("pce", "name")} | {"postcode": "75001", "email": home["email"]}
    refused = {"refused": True, "refused_because": "the postcode", "entered_at": datetime.now(UTC).isoformat()}
    clean.book.save({"_id": home["account"], "account_type": "grdfgrandlyon", "declaration": given | refused})
    put([home])
    assert run() == {"declared": 1}


def test_whoever_has_entered_what_waits_for_its_meter_a_line_corrects_it_and_has_grdf_asked_anew(
    clean: LocalWorld, home: dict[str, str]
) -> None:
    taken, account = household(next(_numbers)), home["account"]
    bring(clean, taken["account"], taken["pce"])
    given = {key: taken[key] for key in ("pce", "name", "postcode", "email")}
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon", "declaration": given, "connected": {"by": "one"}})
    with pytest.raises(AirflowSkipException, match="another account has it"):
        acquire(account, "scheduled")
    old = {"entered_at": utc_text(datetime.now(UTC) - timedelta(days=3))}
    clean.book.save(document(clean, account) | {"declaration": document(clean, account)["declaration"] | old})
    clean.control.clear_log()
    put([taken | {"account": account}])
    assert run(began=datetime.now(UTC)) == {"waiting": 1}
    assert [call for call in clean.control.log() if call["path"].endswith("/droits_acces")], "whether it is still taken"
    put([home])
    assert run(began=datetime.now(UTC)) == {"declared": 1}
    assert [each["pce"] for each in document(clean, account)["oauth_callback_results"]["consents"]] == [home["pce"]]
    assert [record.entered.pce for record in records(account)] == [taken["pce"], home["pce"]]
    clean.book.remove(taken["account"])
