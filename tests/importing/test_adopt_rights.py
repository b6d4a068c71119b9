"""Rights that exist at GRDF and have no account: they get one, unless it is not clear whose they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.account.declaration import PERSON
from include.gas.errors import BadRequest, RetryLater
from include.gas.importing.right_adoption import check_pattern
from tests.helpers import connect_cozy, yesterday
from tests.importing.scene import FIRST_METER, adopt, household, names_person
from tests.leaving.household import METERS, Couch
from tests.leaving.runs import acquire, check, extract
from tests.leaving.steps import delete
from tests.rights.scene import OUTDATED, bring, consents, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(300_000)
NONE = {"accounts": 0, "left_out": 0}


@pytest.fixture
def pce(clean: LocalWorld) -> str:
    """A meter that no other test has; GRDF has no right but those of this test."""
    clean.control.drop_consents()
    return household(next(_numbers))["pce"]


def right(world: LocalWorld, pce: str, name: str = "Durand-Invente", **fields: Any) -> str:
    """Make GRDF have a right that somebody else has declared, and return its id."""
    (made,) = world.control.consent([pce], keep_others=True)
    holder = {"nom_titulaire": name, "courriel_titulaire": "planted-1@example.org", "code_postal": "69001"}
    world.control.change_consent(made["id_droit_acces"], **(holder | fields))
    return str(made["id_droit_acces"])


def test_a_right_gets_an_account_that_is_read(clean: LocalWorld, pce: str, caplog: pytest.LogCaptureFixture) -> None:
    own = right(clean, pce)
    over = right(clean, household(next(_numbers))["pce"], etat_droit_acces="Révoquée")
    holders = right(clean, household(next(_numbers))["pce"], perim_donnees_informatives="Faux")
    name = f"right-{own}"
    with caplog.at_level(logging.DEBUG):
        assert adopt(dry_run=True) == {"accounts": 1, "left_out": 0}
        assert document(clean, name) == {}
        for said in (f"Right {own} of client grdf_adict (meter M-", f"would get account {name}, as an-operator says"):
            assert said in caplog.text
        assert adopt()["accounts"] == 1
    assert [document(clean, f"right-{each}") for each in (over, holders)] == [{}, {}]
    (consent,) = consents(clean, name)
    assert (consent["pce"], consent["id_accreditation"]) == (pce, own)
    assert document(clean, name)["status"]["meters"][pce]["word"] == "active", "as GRDF's list says"
    assert names_person(caplog.text) == names_person(document(clean, name)["connected"]) == []
    assert adopt() == NONE
    clean.control.clear_log()
    acquire(name)
    extract(name, yesterday(clean))
    assert [call["method"] for call in clean.control.log() if "access_token" not in call["path"]] == ["GET"]
    couch, before = Couch(clean), document(clean, name)
    (lost,) = [each for each in couch.documents(METERS) if each["_id"] == pce]
    couch.remove(METERS, lost)
    assert adopt(id_pattern="home-{right}") == NONE, "the account names it, also without the ledger"
    clean.control.drop_consents()
    assert adopt() == NONE
    assert document(clean, name) == before, "a list that is short removes nothing"


def test_a_holder_s_two_rights_are_one_account_s(clean: LocalWorld, pce: str) -> None:
    old = right(clean, pce, date_creation="2024-01-01 10:00:00")
    new = right(clean, pce, name="DURAND-INVENTÉ")
    name = f"home-{new[:8]}"
    for _ in range(2):
        assert adopt(id_pattern="home-{short}")["accounts"] == 1
        (consent,) = consents(clean, name)
        assert consent["id_accreditation"] == new
        assert {*document(clean, name)["status"]["meters"][pce]["own"]} == {old, new}
        clean.book.remove(name)  # an account that was lost is made again


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("fields", [{"name": "Martin-Invente"}, {"courriel_titulaire": None}])
def test_rights_of_two_holders(
    clean: LocalWorld, pce: str, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], several: bool
) -> None:
    rights = [right(clean, pce), right(clean, pce, **fields)]
    monkeypatch.setenv("AIRFLOW__GRDF__METER_IN_SEVERAL_ACCOUNTS", str(several))
    told = adopt()
    assert (told["accounts"], told["left_out"]) == ((2, 0) if several else (0, 2))
    assert all(bool(document(clean, f"right-{each}")) is several for each in rights)


def test_a_meter_that_an_account_has(clean: LocalWorld, pce: str, caplog: pytest.LogCaptureFixture) -> None:
    name = f"holder-{pce}"
    former = bring(clean, name, pce)
    acquire(name)
    own = right(clean, pce)
    clean.book.save({"_id": f"b-{own}", "account_type": "grdfgrandlyon"})
    assert adopt() == {"accounts": 0, "left_out": 1}
    assert "another account has its meter" in caplog.text
    clean.control.revoke(former)
    check()
    assert adopt(id_pattern="b-{right}")["accounts"] == 0, "this id is somebody's"
    assert document(clean, f"b-{own}").keys() <= {"_id", "_rev", "account_type"}
    clean.book.remove(f"b-{own}")
    assert adopt()["accounts"] == 1, "that account's own right is over, and it is another holder's"
    assert consents(clean, f"right-{own}")[0]["id_accreditation"] == own
    assert document(clean, name)["state"] == OUTDATED


def test_an_account_that_has_lost_its_right_gets_the_same_holder_s(
    clean: LocalWorld, pce: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It came back from a backup made before its household had renewed."""
    name, former = f"holder-{pce}", right(clean, pce, date_creation="2024-01-01 10:00:00")
    results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": former}]}
    clean.book.save({"_id": name, "account_type": "grdfgrandlyon", "oauth_callback_results": results})
    acquire(name)
    clean.control.revoke(former)
    new = right(clean, pce)
    check()
    with caplog.at_level(logging.INFO):
        assert adopt(dry_run=True)["accounts"] == 1
    assert f"would get account {name}, as" in caplog.text
    assert document(clean, name)["state"] == OUTDATED
    assert adopt()["accounts"] == 1
    assert document(clean, name)["state"] is None
    assert consents(clean, name)[0]["id_accreditation"] == new
    assert document(clean, f"right-{new}") == {}


def test_two_runs_at_once_give_no_right_to_two_accounts(clean: LocalWorld, pce: str) -> None:
    rights = [right(clean, pce)] + [right(clean, household(next(_numbers))["pce"]) for _ in range(4)]
    patterns = ("a-{right}", "b-{right}")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pattern: adopt(id_pattern=pattern), patterns))
    for own in rights:
        assert sum(bool(document(clean, pattern.format(right=own))) for pattern in patterns) == 1


@pytest.fixture
def name(clean: LocalWorld, pce: str) -> Iterator[str]:
    """An account's id. What the test leaves of it is removed."""
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.gas.documents.day_documents import account_range
    from include.gas.documents.doctypes import AUDIT

    yield (made := f"own-{pce}")
    clean.book.remove(made)
    Remover(CouchDBHook()).remove_range(AUDIT, *account_range(made))


def declare(world: LocalWorld, name: str, pce: str, *, lost: bool = False) -> str:
    """Let an account declare a right, and return the right's id."""
    given = {key: each for key, each in household(int(pce[7:]) - FIRST_METER).items() if key in PERSON or key == "pce"}
    world.book.save({"_id": name, "account_type": "grdfgrandlyon", "declaration": given})
    if lost:
        world.control.fault(f"/pce/{pce}/droit_acces$", method="PUT", status=503, after=True)
    with suppress(RetryLater, AirflowSkipException):
        acquire(name)
    (made,) = [each for each in world.control.consents() if each["id_pce"] == pce]
    world.control.change_consent(made["id_droit_acces"], etat_droit_acces="Active")
    return str(made["id_droit_acces"])


@pytest.mark.parametrize("several", [False, True])
def test_a_right_that_an_account_has_just_declared(
    clean: LocalWorld, pce: str, name: str, monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    """The answer was lost, so that the account does not name the right yet."""
    monkeypatch.setenv("AIRFLOW__GRDF__METER_IN_SEVERAL_ACCOUNTS", str(several))
    own = declare(clean, name, pce, lost=True)
    assert adopt(dry_run=True)["accounts"] == 0
    assert adopt()["left_out"] == 1
    assert document(clean, f"right-{own}") == {}


@pytest.mark.parametrize("steps", [("check", "mark"), ("check", "mark", "revoke", "purge")], ids=["marked", "ended"])
def test_a_right_of_a_household_that_has_left(clean: LocalWorld, pce: str, name: str, steps: tuple[str, ...]) -> None:
    """GRDF's list is some minutes old."""
    own = declare(clean, name, pce)
    delete(name, steps=steps)
    clean.control.change_consent(own, etat_droit_acces="Active", date_revocation=None)
    assert (adopt(dry_run=True), adopt()) == (NONE, NONE)
    assert document(clean, f"right-{own}") == {}


@pytest.mark.parametrize(
    "pattern", ["", "home", "{name}", "{right.id}", "{", "{right}}", "é-{right}", "x" * 70 + "{right}", None]
)
def test_a_pattern_that_is_none(pattern: object) -> None:
    with pytest.raises(BadRequest, match="id_pattern"):
        check_pattern(pattern)


def test_a_right_that_its_household_is_about_to_bring(
    clean: LocalWorld, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left for an hour; and if it was adopted before the household came back, it comes into no second account."""
    clean.control.drop_consents()
    connect_cozy(clean, name)
    assert adopt()["left_out"] == 1
    monkeypatch.setenv("AIRFLOW__GRDF__METER_IN_SEVERAL_ACCOUNTS", "True")
    waiting = document(clean, name)
    clean.book.remove(name)
    (own,) = [str(each["id_droit_acces"]) for each in clean.control.consents()]
    assert adopt()["accounts"] == 1
    clean.book.save({key: each for key, each in waiting.items() if key != "_rev"})
    with pytest.raises(AirflowSkipException, match="belongs to another account"):
        acquire(name)
    assert own not in str(document(clean, name))
    clean.book.remove(f"right-{own}")
