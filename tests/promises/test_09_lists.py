"""Promise 9: GRDF's list, cut, late, odd or wrong, stops and marks no account; its answer about a meter does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.promises.adapter import METERS, MOVED, REVOKED, Town

HOMES = {f"home-{number:02}": METERS[number] for number in range(8)}


def lines(keep: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    def damaged(body: bytes) -> bytes:
        *rows, status = [line for line in body.split(b"\n") if line.strip()]
        return b"\n".join([*keep(rows), status])

    return damaged


DAMAGES: dict[str, tuple[Any, str]] = {
    "empty": (lines(lambda _: []), "GET"),
    "garbled": (lines(lambda rows: [rows[0][:40], b"{}", b"null", b"[1, 2]", *rows[3:]]), "GET"),
    "a page of HTML": (lambda _: b"<html><body>502 Bad Gateway</body></html>", ""),
    "no body": (lambda _: b"", "GET"),
    "late": (504, "GET"),
    "out of order": (500, ""),
    "asynchronous": (lambda _: b'{"code_statut_traitement": "9999999413", "id_traitement_asynchrone": "1"}', "GET"),
    "two lines short": (lines(lambda rows: rows[2:]), "GET"),
    "half": (lines(lambda rows: rows[: len(rows) // 2]), "GET"),
    "another word": (lambda body: body.replace(b'"Active"', b'"Actif"'), ""),
}


def fleet(town: Town) -> None:
    for account, pce in HOMES.items():
        town.connect(account, pce, back=20)
    town.mornings()


def test_an_answer_about_meters_that_shows_none_of_their_rights_is_another_client_s(town: Town) -> None:
    fleet(town)
    town.fault(lines(lambda rows: rows[3:]), "/droits_acces$", method="GET", times=100)
    town.fault(lines(lambda _: []), "/droits_acces$", method="POST", times=100)
    town.mornings()
    assert "another client's" in town.check().text
    town.mornings(2)
    assert {account: state for account in HOMES if (state := town.state(account))} == {}
    town.calm()
    town.mornings()
    assert town.check().well
    assert {account: days for account, pce in HOMES.items() if (days := town.wrong(account, pce, town.ago(20)))} == {}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_list_that_is_wrong_for_a_week_stops_no_account(town: Town, damage: str) -> None:
    fleet(town)
    what, method = DAMAGES[damage]
    town.fault(what, "/droits_acces$", method=method, times=10_000)
    first = town.ago(20)
    for _ in range(7):
        since = len(town.asked)
        town.mornings()
        assert {account: state for account in HOMES if (state := town.state(account))} == {}
        asked = [each.job.dag for each in town.calls("/droits_acces$", "POST", since=since)]
        assert len(asked) <= 4, "a thousand meters a call"
        if damage in ("two lines short", "half", "another word"):
            assert asked == ["grdf_consents"]
            assert {each.pce for each in town.calls("informatives", since=since)} == {*HOMES.values()}
    assert {account: days for account, pce in HOMES.items() if (days := town.wrong(account, pce, first))} == {}
    if damage == "another word":
        checked = town.check()
        assert not checked.well, "a person hears of it"
        assert "actif" in checked.text
    town.calm()
    town.mornings(1)
    assert {account: state for account in HOMES if (state := town.state(account))} == {}


@pytest.mark.parametrize("code", [MOVED, REVOKED])
def test_what_grdf_answers_of_one_meter_counts(town: Town, code: str) -> None:
    fleet(town)
    (right,) = town.rights(METERS[0])
    town.revoke(right["id_droit_acces"])
    town.odd(METERS[0], refusal=code)
    first = town.ago(20)
    town.mornings(3)
    assert town.state("home-00").startswith("USER_ACTION_NEEDED")
    assert {account for account in HOMES if town.state(account)} == {"home-00"}
    since = len(town.asked)
    town.mornings(2)
    assert not [each for each in town.calls("informatives", since=since) if each.pce == METERS[0]], "in vain"
    town.odd(METERS[0], refusal=None)
    town.connect("home-00", METERS[0], back=10)
    town.mornings()
    assert town.state("home-00") == ""
    assert all(town.wrong(account, pce, first) == [] for account, pce in HOMES.items() if account != "home-00")


def test_a_list_with_lines_of_others_and_of_long_ago_changes_nothing(town: Town) -> None:
    fleet(town)
    for number in range(100, 130):
        _, (right,) = town.agree("somebody", METERS[number], back=20)
        if number % 3:
            town.revoke(right, source="GRDF" if number % 2 else "TIERS")
    _, (former,) = town.agree("before", METERS[0], back=300)
    town.revoke(former)
    first = town.ago(20)
    town.mornings(3)
    assert {account for account in HOMES if town.state(account)} == set()
    assert len(town.documents("io-cozy-accounts")) == len(HOMES)
    assert all(town.wrong(account, pce, first) == [] for account, pce in HOMES.items())
