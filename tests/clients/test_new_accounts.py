"""New accounts get a client by an import, an adoption or a document; no meter is in accounts of two clients."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from itertools import count

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.account_intake import AccountIntake
from grdf.ledger.client_choice import choose_client, meters_per_client
from include.gas.errors import CredentialsRefused, GasError
from include.sandbox.local_world import LocalWorld
from tests.clients.scene import (
    CLIENTS,
    PARTIES,
    SETTING,
    SOUTH,
    USUAL,
    account_of,
    asked_by,
    declared_by,
    document,
    own_right,
    refuse,
    spend,
    with_extra,
    word,
)
from tests.helpers import adict_hook, holder
from tests.importing.scene import adopt, files, household, outcomes, put, run
from tests.leaving.runs import check

Home = dict[str, str]
ROOM = "grdf.ledger.client_choice.meters_per_client"
_numbers = count(440_000)


def households(number: int) -> list[Home]:
    return [household(next(_numbers)) for _ in range(number)]


def import_of(homes: list[Home], name: str = "") -> list[str]:
    name = name or f"{secrets.token_hex(4)}.csv"
    put(homes, name)
    run(name)
    assert [account for account, _ in outcomes(name)] == [home["account"] for home in homes]
    return [outcome for _, outcome in outcomes(name)]


def clients(world: LocalWorld, homes: list[Home]) -> list[str]:
    named = [document(world, home["account"]).get("grdf_connection", USUAL) for home in homes]
    assert [declared_by(world, home["pce"]) for home in homes] == [[name] for name in named]
    return named


def test_an_import_fills_one_client_after_the_other(two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*with_extra(USUAL, calls_per_day=1000))
    first, more = households(1), households(4)
    assert import_of(first) == ["declared"]
    monkeypatch.setattr(ROOM, lambda calls: 3 if calls == 1000 else 5000)
    assert import_of(more) == ["declared"] * 4
    assert clients(two, first + more) == [USUAL] * 3 + [SOUTH] * 2


@pytest.mark.parametrize(
    ("has", "gets"),
    [({}, USUAL), ({USUAL: 4999}, USUAL), ({USUAL: 5000, SOUTH: 499}, SOUTH), ({USUAL: 9999, SOUTH: 500}, SOUTH)],
    ids=["none", "room", "full", "all full: the last"],
)
def test_which_client_has_room(two: LocalWorld, monkeypatch: pytest.MonkeyPatch, has: Counter[str], gets: str) -> None:
    assert meters_per_client(6000) == 5000
    monkeypatch.setenv(*with_extra(USUAL, calls_per_day=6000))
    monkeypatch.setenv(*with_extra(SOUTH, calls_per_day=600))
    assert choose_client(Counter(has)) == gets
    monkeypatch.setenv(SETTING, SOUTH)
    assert choose_client(Counter({SOUTH: 9999})) == SOUTH, "a single one is not counted"


def test_lines_of_a_client_that_cannot_be_called_are_put_aside(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, old, newer = homes = households(3)
    two.book.save({"_id": old["account"], "account_type": "grdfgrandlyon", "grdf_connection": SOUTH})
    name = f"{secrets.token_hex(4)}.csv"
    with monkeypatch.context() as patch:
        refuse(patch, USUAL)
        with pytest.raises(CredentialsRefused):
            import_of(homes, name)
        assert [declared_by(two, home["pce"]) for home in homes] == [[], [SOUTH], []]
        assert document(two, newer["account"]) == {}
        assert name in files()
    assert import_of(homes, name) == ["declared", "connected", "declared"]
    assert clients(two, homes) == [USUAL, SOUTH, USUAL]
    assert name not in files()


def test_a_client_without_room_does_not_get_what_waits_for_another(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = households(4)
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret", calls_per_day=1000))
    monkeypatch.setattr(ROOM, lambda calls: 2 if calls == 1000 else 5000)
    with pytest.raises(CredentialsRefused):
        import_of(homes)
    assert [declared_by(two, home["pce"]) for home in homes] == [[], [], [SOUTH], [SOUTH]]


def right(world: LocalWorld, pce: str, client: str) -> str:
    (made,) = world.control.consent([pce], keep_others=True, company=PARTIES[client].company)
    fields = {"nom_titulaire": "Durand-Invente", "courriel_titulaire": "planted-1@example.org"}
    world.control.change_consent(made["id_droit_acces"], **fields)
    return str(made["id_droit_acces"])


def test_an_adopted_right_s_account_is_its_client_s(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    homes = households(2)
    for home, client in zip(homes, (USUAL, SOUTH), strict=True):
        home["account"] = f"right-{right(two, home['pce'], client)}"
    with caplog.at_level(logging.INFO):
        assert adopt(dry_run=True)["accounts"] == 2
    assert f"of client {SOUTH} (meter" in caplog.text
    with monkeypatch.context() as patch:
        refuse(patch, SOUTH)
        with pytest.raises(CredentialsRefused):
            adopt()
    assert [bool(document(two, home["account"])) for home in homes] == [True, False]
    assert adopt()["accounts"] == 1
    assert clients(two, homes) == [USUAL, SOUTH]
    right(two, homes[0]["pce"], SOUTH)
    assert adopt() == {"accounts": 0, "buildings": 0, "left_out": 1}, "another account has its meter"


@pytest.mark.parametrize("how", ["in force", "unknown", "over", "known to be over"])
def test_a_meter_of_the_other_client_s_account(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str, how: str
) -> None:
    account_of(two, account_id, USUAL)
    (pce,) = holder(account_id).pces
    own = right(two, pce, SOUTH)
    if how.endswith("over"):
        two.control.revoke(own_right(two, account_id))
    if how == "known to be over":
        check()
        spend(monkeypatch, USUAL)
    if how == "unknown":
        refuse(monkeypatch, USUAL)
    two.control.clear_log()
    results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": own}]}
    stored = {"_id": other, "account_type": "grdfgrandlyon", "oauth_callback_results": results}
    two.book.save(stored | {"grdf_connection": SOUTH})
    AccountIntake(CouchDBHook(), adict_hook().for_connection(SOUTH), other).process_account()
    assert document(two, other)["grdf_connection"] == SOUTH
    assert word(two, other, pce) == ("active" if how.endswith("over") else "behind")
    assert (CLIENTS[USUAL] in asked_by(two)) is (how != "known to be over"), "its owner is in question"


def test_a_wrong_setting_keeps_no_account_of_the_usual_client_out_of_the_page(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    from grdf.page.connect.account_lookup import find_connectable_account

    assert [find_connectable_account(name)[1] for name in pair] == [USUAL, SOUTH]
    monkeypatch.setenv(SETTING, "grdf_adict; grdf_south")
    assert find_connectable_account(pair[0])[1] == USUAL
    for name in (pair[1], f"{pair[1]}-2"):
        with pytest.raises(GasError, match=r"\[grdf\] connections"):
            find_connectable_account(name)
