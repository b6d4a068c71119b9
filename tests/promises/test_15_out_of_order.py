"""Promise 15: CouchDB or GRDF is down, slow, dripping, huge, odd: nothing is lost, and the next good run is whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.promises.adapter import ACCOUNTS, METERS, Town

HOMES = {"alder": METERS[0], "birch": METERS[1], "cedar": METERS[2]}
READS = f"/{METERS[0]}/donnees_consos_informatives$"


def homes(town: Town) -> None:
    for account, pce in HOMES.items():
        town.connect(account, pce, back=20)
    town.mornings()


def whole(town: Town, *accounts: str) -> None:
    for account in accounts or HOMES:
        assert town.state(account) == ""
        assert town.wrong(account, HOMES[account], town.ago(15)) == []
    assert town.wrong_totals() == []


BODIES: dict[str, Callable[[bytes], bytes]] = {
    "HTML": lambda _: b"<!doctype html><html><body>Maintenance</body></html>",
    "cut in the middle": lambda body: body[: len(body) // 2],
    "bytes": lambda _: bytes(range(256)) * 40,
    "null": lambda _: b"null\n[]\n{}\n3\n",
    "deep": lambda _: b"[" * 100_000,
    "numbers": lambda body: body.replace(b'"energie":', b'"energie":1e999,"was":'),
    "words": lambda body: body.replace(b'"energie":', b'"energie":"much","was":'),
}
ANSWERS: dict[str, Any] = {str(status): status for status in (500, 502, 503, 504, 404, 403, 400)} | {
    "down": "down", "lost": "lost", **BODIES,
}  # fmt: skip


@pytest.mark.parametrize("what", ANSWERS)
def test_grdf_is_out_of_order_for_one_meter(town: Town, what: str) -> None:
    homes(town)
    before = town.days("alder", METERS[0])
    town.fault(ANSWERS[what], READS, times=10_000)
    ended = town.mornings(2)
    whole(town, "birch", "cedar")
    assert town.state("alder") in ("", "VENDOR_DOWN"), "the household can do nothing about it"
    assert town.days("alder", METERS[0]).items() >= before.items()
    assert all(isinstance(kwh, int | float) and 0 <= kwh < 1e6 for kwh in town.days("alder", METERS[0]).values())
    if ended["alder"].state == "failed":
        assert "alder" in ended["alder"].text
        assert METERS[0] not in ended["alder"].text
    town.calm()
    ended = town.mornings(2)
    assert ended["alder"].state == "success"
    whole(town)


@pytest.mark.parametrize("what", [503, "down", "lost"])
def test_grdf_is_out_of_order_for_three_days(town: Town, what: Any) -> None:
    homes(town)
    town.fault(what, times=10_000)
    for _ in range(3):
        ended = town.mornings()
        assert {account for account in HOMES if ended[account].state == "success"} == set()
        assert not {account for account in HOMES if town.state(account).startswith("USER_ACTION_NEEDED")}
    assert len(town.calls()) < 3 * 60, "it is not asked all day"
    town.calm()
    town.mornings(2)
    whole(town)


@pytest.mark.parametrize("what", ["down", 503, "lost"])
def test_couchdb_is_out_of_order(town: Town, what: Any) -> None:
    homes(town)
    town.fault(what, times=10_000, couchdb=True)
    ended = {account: town.run(account) for account in HOMES}
    assert {each.state for each in ended.values()} == {"failed"}
    assert all(each.text for each in ended.values())
    town.calm()
    town.mornings(2)
    whole(town)
    for after in range(0, 20, 2):  # it comes and goes within a run, which tries again
        town.fault(what, times=3, after=after, couchdb=True)
        assert town.run("alder").state == "success", after
        town.calm()
    whole(town)


@pytest.mark.parametrize("what", ["drip", lambda body: body + b" " * 130_000_000], ids=["drips", "huge"])
def test_an_answer_without_an_end_is_given_up_and_others_go_on(town: Town, what: Any) -> None:
    homes(town)
    town.fault(what, READS, times=10_000)
    ended = town.mornings()
    assert ended["alder"].state == "failed"
    assert "alder" in ended["alder"].text or what == "drip"
    whole(town, "birch", "cedar")
    town.calm()
    town.mornings(2)
    whole(town)


@pytest.mark.parametrize(
    "document",
    [
        {"oauth_callback_results": 3}, {"oauth_callback_results": {"consents": "x"}}, {"oauth": []},
        {"oauth_callback_results": {"pce_id": None, "consents": [{"pce": "none", "id_accreditation": 7}]}},
        {"declaration": {"pce": "1"}}, {"declaration": None, "oauth": {"code": 3}}, {},
    ],
    ids=["results", "consents", "oauth", "pce", "declaration", "code", "empty"],
)  # fmt: skip
def test_an_account_with_an_odd_document_stops_no_other(town: Town, document: dict[str, Any]) -> None:
    homes(town)
    town.put("odd", document)
    ended = town.mornings(2, published=True)
    assert ended["grdf_consents"].state == "success"
    assert ended["grdf_published"].well
    assert ended["odd"].state != "success" or not town.stored("odd")
    whole(town)
    assert town.history(town.ago(9), town.ago(5), *HOMES).state == "success"
    assert "odd" in town.documents(ACCOUNTS)


def test_an_answer_about_a_meter_that_is_far_too_large_is_not_taken(town: Town) -> None:
    town.connect("alder", METERS[0], back=20)
    town.connect("birch", METERS[1], back=20)
    town.fault(lambda body: body + b"{}\n" * 7_000_000, f"{METERS[0]}/donnees_consos_informatives", times=99)
    ended = town.mornings(2)
    assert (ended["alder"].state, "larger than 20 MB" in ended["alder"].text) == ("failed", True)
    assert ended["birch"].well
    town.calm()
    town.mornings(2)
    assert town.wrong("alder", METERS[0], town.ago(20)) == []
