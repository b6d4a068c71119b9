"""An adoption takes the record of the consent along, so that the right's new account can prove it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from include.gas.proof.consent_record import HOUSEHOLD, KEPT, new_record
from tests.importing.scene import adopt, household, names_person, records
from tests.leaving.runs import clear_away
from tests.rights.scene import bring, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(330_000)


@pytest.fixture
def home(clean: LocalWorld) -> Iterator[dict[str, str]]:
    """A household; GRDF has no right but those of this test."""
    clean.control.drop_consents()
    made, neighbour = household(next(_numbers)), "adoption-neighbour"
    clean.book.save({"_id": neighbour, "account_type": "grdfgrandlyon"})  # without any account nothing is cleared away
    yield made
    for name in (made["account"], neighbour):
        clean.book.remove(name)
    for name in (made["account"], *clean.book.listed()):
        if name == made["account"] or name.startswith("right-"):
            Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *account_range(name))
            clean.book.remove(name)
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def recorded(home: dict[str, str], ago: timedelta) -> str:
    """Store the record of the household's consent, and return its id."""
    given = {key: home[key] for key in ("pce", "name", "postcode", "email")}
    made = new_record(home["account"], Declaration(**given), datetime.now(UTC) - ago, by=HOUSEHOLD)
    ConsentRecords(CouchDBHook()).add(made)
    return made.id


def declared(world: LocalWorld, home: dict[str, str], ago: timedelta, **fields: str) -> str:
    """Make GRDF have the right that the household agreed to, and return its id."""
    (made,) = world.control.consent([home["pce"]], keep_others=True)
    created = (datetime.now(UTC) - ago).isoformat(timespec="seconds")
    holder = {"nom_titulaire": home["name"], "courriel_titulaire": home["email"], "date_creation": created}
    way_in = {"parcours": "DECLARATION_TIERS"}
    world.control.change_consent(made["id_droit_acces"], **(holder | way_in | fields))
    return str(made["id_droit_acces"])


def kept() -> list[str]:
    return [each["_id"] for each in CouchDBHook().range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")]


DAYS = timedelta(days=40)


@pytest.mark.parametrize("lost", ["the account", "its right", "long ago", "the account, and GRDF names no address"])
def test_it_comes_along(clean: LocalWorld, home: dict[str, str], caplog: pytest.LogCaptureFixture, lost: str) -> None:
    recorded(home, DAYS)
    own = declared(clean, home, DAYS, **({"courriel_titulaire": ""} if "no address" in lost else {}))
    if lost == "its right":  # the account is from a backup made before GRDF's answer
        clean.book.save({"_id": home["account"], "account_type": "grdfgrandlyon"})
    if lost == "long ago":
        clear_away()
        assert (records(home["account"]), len(kept())) == ([], 1)
    with caplog.at_level(logging.DEBUG):
        assert adopt()["accounts"] == 1
    account = f"right-{own}"
    (record,) = records(account)
    assert (record.account, record.entered.email, record.kept_until) == (account, home["email"], None)
    assert document(clean, account)["connected"]["record"] == record.id
    assert len(records(home["account"])) == (lost == "its right")
    assert kept() == []
    assert "with the record of its consent" in caplog.text
    assert "1 of them have the record of the consent that was kept here" in caplog.text
    assert names_person(caplog.text) == []
    clear_away()
    assert len(records(account)) == 1, "the new account's right rests on it"


@pytest.mark.parametrize(
    "whose",
    ["another holder's", "another right's", "given on GRDF's site", "of a former consent", "maybe of a namesake"],
)
def test_no_other_comes_along(clean: LocalWorld, home: dict[str, str], whose: str) -> None:
    recorded(home, DAYS)
    fields = {
        "another holder's": {"courriel_titulaire": "planted-else@example.org"},
        "given on GRDF's site": {"parcours": "client_connect"},
    }
    if whose == "another right's":
        bring(clean, home["account"], home["pce"])
        stored = document(clean, home["account"])
        stored["oauth_callback_results"]["consents"][0] |= {"unusable": "revoked"}
        clean.book.save(stored)
        clean.control.revoke(stored["oauth_callback_results"]["consents"][0]["id_accreditation"])
    if whose == "of a former consent":
        clear_away()
        own = declared(clean, home, DAYS - timedelta(days=2))
    elif whose == "maybe of a namesake":
        own = declared(clean, home, DAYS - timedelta(days=2), courriel_titulaire="")
    else:
        own = declared(clean, home, DAYS, **fields.get(whose, {}))
    before = (len(records(home["account"])), kept())
    assert adopt()["accounts"] == 1
    assert records(f"right-{own}") == []
    assert "record" not in document(clean, f"right-{own}")["connected"]
    assert (len(records(home["account"])), kept()) == before
