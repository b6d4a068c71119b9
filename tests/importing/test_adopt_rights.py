"""Rights that exist at GRDF and have no account: they get one, unless their owner is not clear."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from include.gas.answers.access_rights import AccessRight, Role
from include.gas.errors import BadRequest
from include.gas.importing.right_adoption import DIFFER, ID_TAKEN, PENDING, KnownState, check_pattern, plan_adoptions
from include.gas.rights.meter_rights import Meter, Right
from include.sandbox.local_world import LocalWorld
from tests.helpers import yesterday
from tests.importing.scene import adopt, household, names_person
from tests.leaving.runs import acquire, extract
from tests.rights.scene import consents, document

_numbers = count(300_000)
NONE = {"accounts": 0, "buildings": 0, "left_out": 0}


PCE, CLIENT, NOW = "09999999900017", "grdf_adict", datetime(2026, 11, 30, 8, tzinfo=UTC)
HOLDER, MARTIN = ("durand", "d@example.org", "69001"), ("martin", "m@example.org", "69001")
NAMED = {"oauth_callback_results": {"pce_id": PCE, "consents": [{"pce": PCE, "id_accreditation": "old"}]}}
ASKS = {"declaration": {"pce": PCE, "name": "D", "postcode": "69001", "email": "d@example.org"}}


def listed(name: str, holder: tuple[str, str, str] = HOLDER, **more: Any) -> AccessRight:
    usual = {"state": "active", "informative": True, "created_at": "2026-01-01T08:00:00Z", "holder": holder}
    facts: dict[str, Any] = usual | more
    return AccessRight(name, PCE, Role.SUPPLY, **facts)


def known(*accounts: tuple[str, dict[str, Any]], rights: tuple[Right, ...] = (), **more: Any) -> KnownState:
    documents = {name: {"_id": name, "account_type": "grdfgrandlyon", **each} for name, each in accounts}
    return KnownState(documents, {PCE: Meter(pce=PCE, rights=rights)}, more.pop("gone", ()), NOW, **more)


def had(account: str) -> Right:
    return Right(client=CLIENT, id="old", account=account, way="declared", state="ended", since="2025-01-01T00:00:00Z")


ONE, NEWER = listed("one"), listed("two", created_at="2026-02-01T08:00:00Z")
OLD, OTHERS = listed("old", state="revoked"), listed("two", MARTIN)
JUST_NOW = listed("one", created_at="2026-11-30T07:30:00.000000Z")
GRANTED = ("returns", {"oauth_callback_results": {"id_token": "x.y.z"}})


@pytest.mark.parametrize(
    ("rights", "state", "found"),
    [
        ([ONE], known(), [("a-one", "one", "")]),
        ([NEWER, ONE], known(), [("a-two", "one two", "")]),
        ([ONE, OTHERS], known(), [("a-one", "one", DIFFER), ("a-two", "two", DIFFER)]),
        ([ONE, OTHERS], known(several=True), [("a-one", "one", ""), ("a-two", "two", "")]),
        ([ONE, listed("two", ("durand", "", "69001"))], known(), [("a-one", "one", DIFFER), ("a-two", "two", DIFFER)]),
        ([OLD, listed("one", informative=False)], known(), []),
        ([ONE], known(gone={"one"}), []),
        ([listed("old")], known(("home", NAMED)), []),
        ([listed("old")], known(rights=(had("lost"),)), [("lost", "old", "")]),
        ([OLD, ONE], known(("home", NAMED), rights=(had("home"),)), [("home", "one", "")]),
        ([OLD, OTHERS], known(("home", NAMED), rights=(had("home"),)), [("a-two", "two", "")]),
        ([ONE], known(("a-one", {})), [("a-one", "one", ID_TAKEN)]),
        ([ONE], known(("b", ASKS)), [("a-one", "one", PENDING)]),
        ([ONE], known(("b", ASKS), several=True), [("a-one", "one", PENDING)]),
        ([JUST_NOW], known(GRANTED), [("a-one", "one", PENDING)]),
        ([ONE], known(GRANTED), [("a-one", "one", "")]),
    ],
)  # fmt: skip
def test_which_account_gets_which_rights(
    rights: list[AccessRight], state: KnownState, found: list[tuple[str, str, str]]
) -> None:
    planned = plan_adoptions(rights, CLIENT, state, "a-{right}")
    assert [(account, " ".join(each.id for each in own), why) for account, own, why in planned] == found


@pytest.mark.parametrize(
    "pattern", ["", "home", "{name}", "{right.id}", "{", "{right}}", "é-{right}", "x" * 70 + "{right}", None]
)
def test_a_pattern_that_is_none(pattern: object) -> None:
    with pytest.raises(BadRequest, match="id_pattern"):
        check_pattern(pattern)


@pytest.fixture
def pce(clean: LocalWorld) -> str:
    clean.control.drop_consents()
    return household(next(_numbers))["pce"]


def right(world: LocalWorld, pce: str, **fields: Any) -> str:
    (made,) = world.control.consent([pce], keep_others=True)
    holder = {"nom_titulaire": "Durand-Invente", "courriel_titulaire": "planted-1@example.org", "code_postal": "69001"}
    world.control.change_consent(made["id_droit_acces"], **(holder | fields))
    return str(made["id_droit_acces"])


def test_a_right_gets_an_account_that_is_read(clean: LocalWorld, pce: str, caplog: pytest.LogCaptureFixture) -> None:
    own = right(clean, pce)
    name = f"right-{own}"
    with caplog.at_level(logging.DEBUG):
        assert adopt(dry_run=True) == NONE | {"accounts": 1}
        assert document(clean, name) == {}
        for said in (f"Right {own} of client grdf_adict (meter M-", f"would get account {name}, as an-operator says"):
            assert said in caplog.text
        assert adopt()["accounts"] == 1
    (consent,) = consents(clean, name)
    assert (consent["pce"], consent["id_accreditation"]) == (pce, own)
    assert document(clean, name)["status"]["meters"][pce]["word"] == "active", "as in GRDF's list"
    assert names_person(caplog.text) == names_person(document(clean, name)["connected"]) == []
    assert adopt() == NONE
    clean.control.clear_log()
    acquire(name)
    extract(name, yesterday(clean))
    assert [call["method"] for call in clean.control.log() if "access_token" not in call["path"]] == ["GET"]
