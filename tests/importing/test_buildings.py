"""The city's own meters: found in GRDF's list, grouped by an operator's file, read and shown as buildings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from include.gas.account.connection_documents import check_connectable
from include.gas.account.marks import with_leaving
from include.gas.answers.access_rights import AccessRight, Role
from include.gas.display.account_summary import Situation, summarize_account
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED
from include.gas.errors import BadAccount, BadRequest
from include.gas.importing.buildings import (
    ELSEWHERE,
    HOUSEHOLD,
    LEAVING,
    LEFT,
    OTHER_CLIENT,
    Building,
    plan_buildings,
    read_buildings,
)
from include.gas.importing.right_adoption import KnownState
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, Right
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site
from tests.helpers import yesterday
from tests.importing.scene import adopt, folder
from tests.leaving.household import Couch, alone, revocations
from tests.leaving.steps import delete
from tests.plugins.steps import read_published
from tests.rights.scene import bring, check, document, run

_numbers = count(400_000)
FILE = "buildings.csv"
CLIENT, NOW = "grdf_adict", datetime(2026, 11, 30, 8, tzinfo=UTC)


@pytest.fixture
def site(clean: LocalWorld, airflow_home: object, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(clean).opened(monkeypatch)


@pytest.fixture(autouse=True)
def couch(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Couch:
    monkeypatch.setattr("grdf.stores.database_files.LOOK", 0.02)
    return alone(clean)


def meters(number: int) -> list[str]:
    return [f"0999999{9_000_000 + next(_numbers)}" for _ in range(number)]


def put(lines: Iterable[tuple[str, ...]]) -> None:
    path = Path(folder().url.removeprefix("file://"))
    path.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["building;meter;name;first", *(";".join((*line, "")[:4]) for line in lines)])
    (path / FILE).write_text(text, encoding="utf-8-sig")


def stored(doctype: str, account: str) -> list[dict[str, Any]]:
    from grdf.hooks.couchdb import CouchDBHook

    return CouchDBHook().range(doctype, *account_range(account))


def test_fifty_meters_of_a_city_are_read_and_shown_as_its_buildings(
    clean: LocalWorld, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    pces = meters(52)
    clean.control.own_contracts(pces[:51])
    town = next(_numbers)
    city = {pce: f"school-{place // 5}-{town}" for place, pce in enumerate(pces[:50])}
    since = {account: str(yesterday(clean) - timedelta(days=40)) for account in {*city.values()} - {city[pces[0]]}}
    lines = [(account, pce, f"École n° {account[7]}", since.get(account, "")) for pce, account in city.items()]
    put(lines := [*lines, ("hall", pces[51], "Hall", "")])
    assert adopt() == {"accounts": 0, "buildings": 0, "left_out": 51}, "nothing says of which building they are"
    assert adopt(buildings=FILE, dry_run=True) == {"accounts": 0, "buildings": 50, "left_out": 2}
    assert not document(clean, city[pces[0]])
    caplog.clear()
    assert adopt(buildings=FILE) == {"accounts": 0, "buildings": 50, "left_out": 2}
    assert "1 meter(s) of our own contracts are in no account" in caplog.text
    assert "GRDF lists no right in force of our own contract to it" in caplog.text
    first = document(clean, city[pces[0]])
    assert (first["name"], len(first["status"]["meters"])) == ("École n° 0", 5)
    put(lines)
    assert adopt(buildings=FILE) == {"accounts": 0, "buildings": 50, "left_out": 2}, "and so each time"
    assert document(clean, city[pces[0]]) == first

    check()
    for account in {*city.values()}:
        run(clean, account)
        known = document(clean, account)
        years = {len(each["years"]) for each in known["status"]["readings"].values()}
        assert years <= {1, 2} if account in since else years == {4}, "all that GRDF serves, or since it is the city's"
        assert known.get("state") is None
    browser = site.browser("admin")
    assert browser.get("/?search=École n° 3").text.count("Building: École n° 3") == 1
    page = browser.get(f"/accounts/{city[pces[0]]}").text
    assert "no household and no consent" in page
    assert "Form or link for its household" not in page
    assert "/connect/" not in page


def test_a_new_contract_s_right_is_the_building_s_and_no_household_s(clean: LocalWorld) -> None:
    """A city changes its supplier: the rights end, and new ones come some days later."""
    (pce,) = meters(1)
    account, first = f"hall-{next(_numbers)}", yesterday(clean) - timedelta(days=100)
    (old,) = clean.control.own_contracts([pce])
    put([(account, pce, "Town hall", str(first))])
    assert adopt(buildings=FILE)["buildings"] == 1
    clean.control.change_consent(
        old["id_droit_acces"], etat_droit_acces="Obsolète", date_passage_a_obsolete=str(yesterday(clean))
    )
    check()
    assert summarize_account(document(clean, account)).standing is Situation.OVER
    (new,) = clean.control.own_contracts([pce])
    check()
    assert document(clean, account)["status"]["meters"][pce]["right"] == new["id_droit_acces"]
    run(clean, account)
    assert document(clean, account)["status"]["readings"][pce]["years"][str(first.year)]["first"] == str(first)
    with pytest.raises(BadAccount, match="our own contract"):
        check_connectable(document(clean, account))


def test_a_city_s_own_right_is_no_household_s(clean: LocalWorld) -> None:
    (pce,), name = meters(1), f"flat-{next(_numbers)}"
    former = bring(clean, name, pce)
    check()
    clean.control.revoke(former)
    clean.control.own_contracts([pce])
    check()
    with pytest.raises(BadRequest, match="no usable right"):
        check(name, dry_run=False)


def test_a_deleted_building_revokes_nothing_and_is_no_concern(clean: LocalWorld) -> None:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.rights_ledger import Ledger
    from include.gas.rights.meter_rights import find_unclaimed_rights

    (pce,) = meters(1)
    account = f"pool-{next(_numbers)}"
    clean.control.own_contracts([pce])
    put([(account, pce, "Swimming pool")])
    adopt(buildings=FILE)
    run(clean, account)
    with pytest.raises(BadRequest, match="no consent to revoke"):
        delete(account, form={"keep_data": True}, steps=("check",))
    clean.control.clear_log()
    plan = delete(account)["check"]["text"]
    assert "Consents to revoke at GRDF: 0" in plan
    assert "our own contract" in plan
    assert revocations(clean) == []
    assert not document(clean, account)
    assert [right["etat_droit_acces"] for right in clean.control.consents()] == ["Active"]
    check()
    assert find_unclaimed_rights(Ledger(CouchDBHook()).all_meters(), clean.control.today()) == []
    put([(account, pce, "Swimming pool")])
    assert adopt(buildings=FILE)["left_out"] == 1, "its id is not used twice"
    put([(f"new-{account}", pce, "Swimming pool")])
    assert adopt(buildings=FILE)["buildings"] == 1
    run(clean, f"new-{account}")
    assert document(clean, f"new-{account}")["status"]["readings"], "its days are the city's, before and after"


def test_a_producer_s_injection_is_read_and_added_to_no_consumption(clean: LocalWorld, site: Site) -> None:
    (pce,) = meters(1)
    account = f"digester-{next(_numbers)}"
    clean.control.own_contracts([pce], injection=True)
    put([(account, pce, "Digester")])
    assert adopt(buildings=FILE)["buildings"] == 1
    clean.control.clear_log()
    run(clean, account)
    assert not [call for call in clean.control.log() if "/donnees_" in call["path"]], "it has no gas days"
    read_published(account)
    assert {call["path"].rpartition("/")[2] for call in clean.control.log() if "/donnees_" in call["path"]} == {
        "donnees_injections_publiees"
    }
    periods = stored(PUBLISHED, account)
    assert {each["kind"] for each in periods} == {"injection"}
    assert len(periods) > 50
    assert stored(DAY, account) == stored(MONTH, account) == []
    browser = site.browser("admin")
    shown = browser.get(f"/accounts/{account}").text
    assert "puts gas into the network" in shown
    assert 'class="badge no_daily"' in shown
    listed = browser.get(f"/accounts/{account}/published?meter={meter_tag(account, pce)}")
    assert "Put into the network" in listed.text
    assert f"{periods[-1]['load']:,}" in listed.text


PCE, ELSE = "09999999900017", "09999999900024"
OWN = AccessRight("own", PCE, Role.OWN_SUPPLY, "active")
POOL = {PCE: Building("pool", "Pool")}
BUILT: dict[str, Any] = {"status": {"meters": {PCE: {"pce": PCE, "role": "detenteur_contrat_fourniture"}}}}


def known(rights: tuple[Right, ...] = (), left: tuple[str, ...] = (), **accounts: dict[str, Any]) -> KnownState:
    documents = {name: {"_id": name, "account_type": "grdfgrandlyon", **each} for name, each in accounts.items()}
    return KnownState(documents, {PCE: Meter(pce=PCE, rights=rights)}, (), NOW, left=left)


def had(account: str, name: str = "own") -> Right:
    return Right(client=CLIENT, id=name, account=account, way="adopted", state="active", since="2026-01-01")


@pytest.mark.parametrize(
    ("state", "file", "found"),
    [
        (known(), POOL, ("own", "")),
        (known(), {}, ("own", "")),
        (known((had("pool"),), pool=BUILT), POOL, ("", "")),
        (known((had("pool"),), pool={}), {}, None),
        (known((had("pool", "former"),), pool=BUILT), POOL, ("own", "")),
        (known((had("pool"),)), POOL, ("own", "")),
        (known((had("other"),), other={}), POOL, ("", ELSEWHERE)),
        (known(left=("pool",)), POOL, ("own", LEFT)),
        (known(pool={}), POOL, ("own", HOUSEHOLD)),
        (known(pool=with_leaving(BUILT, by="a", since=NOW)), POOL, ("own", LEAVING)),
        (known(pool=BUILT | {"grdf_connection": "grdf_other"}), POOL, ("own", OTHER_CLIENT)),
    ],
)
def test_which_building_gets_a_right(
    state: KnownState, file: dict[str, Building], found: tuple[str, str] | None
) -> None:
    planned = [
        (" ".join(right.id for right in each.rights), each.reason)
        for each in plan_buildings([OWN], CLIENT, state, file)
    ]
    assert planned == ([found] if found else [])


def test_only_rights_of_our_own_contracts_are_for_buildings() -> None:
    others = [AccessRight("a", PCE, Role.SUPPLY, "active"), AccessRight("b", PCE, Role.OWN_SUPPLY, "obsolete")]
    assert list(plan_buildings([*others, AccessRight("c", PCE, None, "active")], CLIENT, known(), POOL)) == []


def test_good_lines_beside_bad_ones() -> None:
    lines = (
        "Pool,pool,{0},2026-03-31", "Hall,_hall,{1}", "Hall,hall,9.9E+13", "Other,other,{0}", "Hall,hall,{1}",
        "Bath,pool,{1}", "Meter,m-{1},09999999900031", "Hall,hall,{1},soon",
    )  # fmt: skip
    found, wrong = read_buildings(
        "\n".join(["name,building,meter,first", *(each + "," * (3 - each.count(",")) for each in lines)])
        .format(PCE, ELSE)
        .encode()
    )
    assert found == {PCE: Building("pool", "Pool", date(2026, 3, 31)), ELSE: Building("hall", "Hall")}
    assert {*wrong} == {3, 4, 5, 7, 8, 9}
    with pytest.raises(BadRequest, match="building, meter, name"):
        read_buildings(b"building,meter\npool,1")
