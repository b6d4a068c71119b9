"""The monthly reading, executed directly: it stores and compares periods, and no account affects another."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.meters.monthly_reading import take_back
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.read_published import ReadPublishedOperator
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import DAY, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range, id_range
from include.gas.errors import BadRequest, CredentialsRefused, QuotaExceeded, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from tests.helpers import MemoryShelf, connect_cozy, context, known_account, lose, with_memory_shelf, yesterday
from tests.plugins.steps import read_published as read

if TYPE_CHECKING:
    pass

TODAY = paris_today(datetime.now(UTC))


pytestmark = pytest.mark.usefixtures("home")


def read_days(account: str, world: Any) -> None:
    """Do what the account's own DAG does for a day."""
    task = ExtractOperator(task_id="extract", account_id=account)
    staged = with_memory_shelf(task, MemoryShelf()).execute(context(yesterday(world)))
    LoadOperator(task_id="load", account_id=account, staged=staged).execute(context())


def document(world: Any, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def change(world: Any, account: str, **fields: Any) -> None:
    world.book.save(document(world, account) | fields)


def periods(account: str) -> list[dict[str, Any]]:
    return CouchDBHook().range(PUBLISHED, *account_range(account))


def calls(world: Any) -> list[str]:
    """Return the calls to GRDF except those for tokens, in order."""
    log = world.control.log()
    return [call["path"].rpartition("/")[2] for call in log if not call["path"].endswith("/access_token")]


ALL = ["donnees_contractuelles", "donnees_techniques", "donnees_consos_publiees"]


def test_periods_are_five_years_deep_and_agree_with_the_days(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id, history=False)
    read_days(account_id, own)
    own.control.clear_log()
    counts = read(account_id)
    assert calls(own) == ALL
    stored = periods(account_id)
    assert counts["new"] == len(stored) >= 57
    assert stored[0]["first"] <= (TODAY - timedelta(days=5 * 365 - 62)).isoformat()
    for before, after in pairwise(stored):
        assert before["end"] == after["first"]
    first = stored[-1]
    assert first["_id"] == f"{account_id}:{pce}:{first['first']}"
    assert (first["day"], first["status"], first["reason"]) == (1, "definitive", "RNO")
    said = document(own, account_id)
    facts, published = said["meter_facts"][pce], said["published"][pce]
    assert (facts["frequency"], facts["daily_data"]) == ("1M", True)
    assert facts["tariff"] in ("T1", "T2")
    assert isinstance(facts["car"], int)
    assert "message" not in facts
    assert published["last_period"] == {"first": first["first"], "end": first["end"], "load": first["load"]}
    assert published["differences"] == [], "rounding is no difference"
    assert "differences" not in counts
    assert "RUE" not in json.dumps(said), "the address stays at GRDF"


def test_periods_are_read_again_from_two_months_back_whatever_the_days_are(
    own: Any, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``[grdf] reread_days`` only affects daily runs; ``PUBLISHED_REREAD`` says why."""
    known_account(own, account_id)
    monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", "5")
    read(account_id)
    own.control.clear_log()
    read(account_id)
    asked = [call["query"] for call in own.control.log() if call["path"].endswith("/donnees_consos_publiees")]
    newest = max(each["first"] for each in periods(account_id))
    assert [each["date_debut"] for each in asked] == [str(date.fromisoformat(newest) - timedelta(days=62))]


@pytest.mark.parametrize("waits", [True, False])
def test_books_of_meters_that_are_not_read_are_held_against_the_store_once_a_month(
    own: Any, account_id: str, waits: bool
) -> None:
    """A load has stored days and was killed, and then the consent ended."""
    (pce, *others) = known_account(own, account_id, 1 if waits else 2, history=False)
    read_days(account_id, own)
    state = {"state": "USER_ACTION_NEEDED.OAUTH_OUTDATED", "state_message": "x", "state_partial": not waits}
    noted = document(own, account_id)["stored"][pce]
    change(own, account_id, **state, consents_lost=[pce])
    lose(own, pce)
    couchdb, year = CouchDBHook(), min(noted)
    total = couchdb.get(YEAR, f"{account_id}:{pce}:{year}") or {}
    couchdb.write(YEAR, [total | {"load": 1, "days": 1}])
    change(own, account_id, stored=document(own, account_id)["stored"] | {pce: {}})
    own.control.clear_log()
    counts = read()
    assert (counts["books"], counts["totals_mended"]) == (1 + len(others), 1)
    asked = [call["path"] for call in own.control.log() if "/pce/" in call["path"]]
    assert bool(asked) is not waits
    assert not [path for path in asked if pce in path], "GRDF is not asked for a meter that is lost"
    assert document(own, account_id)["stored"][pce] == noted
    assert (couchdb.get(YEAR, f"{account_id}:{pce}:{year}") or {})["load"] == total["load"]
    assert "books" not in read(), "a month later"
    change(own, account_id, book_held_at="2020-01-01T00:00:00Z", leaving={"since": "2026-01-01T00:00:00Z"})
    assert "books" not in read(), "it is leaving"


def test_periods_that_were_replaced_come_back(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id)
    read(account_id)
    first, second, *_ = before = periods(account_id)
    couchdb = CouchDBHook()
    couchdb.write(PUBLISHED, [first | {"load": 1}])
    replaced = {first["_id"]: first, second["_id"]: None}
    assert take_back(couchdb, replaced, ["GI000000"]) == 0
    assert take_back(couchdb, replaced, [pce]) == 2
    after = periods(account_id)
    assert [each["_id"] for each in after] == [each["_id"] for each in before if each is not second]
    assert after[0]["load"] == first["load"]


def test_a_repeated_reading_asks_two_months_back_and_writes_no_period(own: Any, account_id: str) -> None:
    known_account(own, account_id)
    read(account_id)
    before = periods(account_id)
    own.control.clear_log()
    counts = read(account_id)
    assert (counts["accounts"], counts.get("new", 0), counts.get("corrected", 0)) == (1, 0, 0)
    assert periods(account_id) == before
    (call,) = [each for each in own.control.log() if each["path"].endswith("publiees")]
    assert call["query"]["date_debut"] == str(date.fromisoformat(before[-1]["first"]) - timedelta(days=62))
    assert call["query"]["date_fin"] == str(TODAY)


def test_differences_are_shown_and_nothing_is_mended(
    own: Any, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (pce,) = known_account(own, account_id, history=False)
    read_days(account_id, own)
    read(account_id)
    month = date.fromisoformat(periods(account_id)[-1]["first"])
    couchdb = CouchDBHook()
    span = id_range(account_id, pce, month, month + timedelta(days=2))
    odd, gone = couchdb.range(DAY, *span)
    couchdb.write(
        DAY, [odd | {"load": odd["load"] + 500}, {"_id": gone["_id"], "_rev": gone["_rev"], "_deleted": True}]
    )
    before = couchdb.range(DAY, *account_range(account_id))
    counts = read(account_id)
    assert counts["differences"] == 1
    (difference,) = document(own, account_id)["published"][pce]["differences"]
    assert difference["first"] == str(month)
    assert difference["missing_days"] == 1
    assert difference["stored"] == sum(
        day["load"] for day in before if day["_id"] >= span[0] and day["month"] == month.month
    )
    assert couchdb.range(DAY, *account_range(account_id)) == before
    assert "Nothing was changed" in "".join(capfd.readouterr())
    read_days(account_id, own)
    assert len(document(own, account_id)["published"][pce]["differences"]) == 1, "it goes with the next reading"


def test_twins_and_odd_layouts(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id)
    own.control.set_quirks(
        pce, layout=["glued", "nbsp", "missing_bracket", "scalar_car"], lines={"published_twin": True}
    )
    read(account_id)
    assert all(each["days"] >= 28 for each in periods(account_id))
    assert document(own, account_id)["meter_facts"][pce]["car"] > 0


@pytest.mark.parametrize("frequency", ["6M", "JJ"])
def test_a_meter_without_daily_data_says_so(
    own: Any, account_id: str, frequency: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (pce,) = known_account(own, account_id)
    own.control.set_quirks(pce, frequency=frequency)
    counts = read(account_id)
    said = document(own, account_id)
    facts = said["meter_facts"][pce]
    assert (facts["frequency"], facts["daily_data"], counts["without_daily_data"]) == (frequency, False, 1)
    assert f"Meter {meter_tag(account_id, pce)} has no daily data" in facts["message"]
    assert facts["message"] in "".join(capfd.readouterr())
    assert said["published"][pce]["differences"] == []


def test_what_the_consent_leaves_out_is_noted_and_no_error(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id, perimeters=["informatives"])
    counts = read(account_id)
    assert (counts["accounts"], counts["refused"]) == (1, 3)
    said = document(own, account_id)
    assert said["meter_facts"][pce]["refused"] == {
        "contract": "The household's consent does not include the contract data.",
        "technical": "The household's consent does not include the technical data of the meter.",
    }
    assert said["published"][pce]["message"] == "The household's consent does not include the published data."
    assert not said.get("state"), "its daily data are read all the same"
    own.control.clear_log()
    assert read() == {}, "asked again next month"
    assert calls(own) == []


def test_a_consent_that_is_gone_is_noted_and_left_to_the_daily_run(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id)
    own.control.set_quirks(pce, refusal="1000014")
    read(account_id)
    said = document(own, account_id)
    assert "the holder revoked the consent" in said["published"][pce]["message"]
    assert not said.get("state")


def family(world: Any, account_id: str, *names: str) -> dict[str, str]:
    """Create accounts with one meter each. Return the meters by account id, in the order of the run."""
    number = int(account_id.rpartition("-")[2]) * 10
    ids = [f"{name}-{number + n}" for n, name in enumerate(names)]
    return {each: known_account(world, each)[0] for each in ids}


def test_due_once_a_month_and_new_ones_at_once(own: Any, account_id: str) -> None:
    pces = family(own, account_id, "a", "b", "c")
    assert read()["accounts"] == 3
    own.control.clear_log()
    assert read() == {}
    assert calls(own) == []
    late, renewed, _ = pces
    said = document(own, late)
    for field in ("meter_facts", "published"):
        said[field][pces[late]]["read_at"] = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    own.book.save(said)
    assert read()["accounts"] == 1
    assert calls(own) == ALL
    (right,) = own.control.consent([pces[renewed]])
    consents = [{"pce": pces[renewed], "id_accreditation": right["id_droit_acces"]}]
    change(own, renewed, oauth_callback_results={"pce_id": pces[renewed], "consents": consents})
    own.control.clear_log()
    assert read()["accounts"] == 1, "a new consent is read at once"
    (call,) = [each for each in own.control.log() if each["path"].endswith("publiees")]
    assert call["query"]["date_debut"] == str(oldest_allowed(TODAY, 5)), "and as deep as it goes"


def test_a_fleet_that_is_taken_over_is_read_in_parts(
    own: Any, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grdf.operators.read_published.FIRST_READINGS", 2)
    family(own, account_id, "a", "b", "c")
    assert [read().get("accounts") for _ in range(3)] == [2, 1, None]


def test_accounts_that_are_not_read(own: Any, account_id: str) -> None:
    number = int(account_id.rpartition("-")[2])
    leaving, waiting, young, odd, good = (f"{name}-{number * 10 + n}" for n, name in enumerate("abcde"))
    for name in (leaving, waiting, odd, good):
        known_account(own, name)
    change(own, leaving, leaving={"run": "r", "by": "someone", "since": "2024-01-01T00:00:00Z"})
    change(own, waiting, state="USER_ACTION_NEEDED.OAUTH_OUTDATED")
    change(own, odd, oauth_callback_results={"consents": "none"})
    connect_cozy(own, young)
    before = {name: document(own, name) for name in (leaving, waiting, young, odd)}
    own.control.clear_log()
    counts = read()
    assert (counts["accounts"], counts["odd"]) == (1, 1)
    assert calls(own) == ALL
    counts = read(leaving, waiting, young, odd, "not-there")
    assert (counts["skipped"], counts["odd"], counts.get("accounts", 0)) == (3, 2, 0)
    after = {name: document(own, name) for name in before}
    book = {
        name: after[waiting].pop(name) for name in ("_rev", "book_held_at", "stored", "gaps") if name in after[waiting]
    }
    assert "book_held_at" in book, "what is stored of it is looked at all the same"
    before[waiting].pop("_rev", None)
    assert before == after
    assert not any(periods(name) for name in before)


def test_one_that_fails_does_not_stop_the_others_and_keeps_its_turn(own: Any, account_id: str) -> None:
    pces = family(own, account_id, "a", "b", "c")
    first, second, third = pces
    own.control.fault(f"{pces[second]}/donnees_consos_publiees", status=503, times=99)
    with pytest.raises(ServiceUnavailable, match=second):
        read()
    assert [len(periods(name)) > 0 for name in (first, second, third)] == [True, False, True]
    assert document(own, second)["meter_facts"][pces[second]]["frequency"] == "1M"
    assert "published" not in document(own, second)
    own.control.set(faults=[])
    own.control.clear_log()
    assert read()["accounts"] == 1
    assert calls(own) == ["donnees_consos_publiees"], "what is read is not asked for again"
    assert len(periods(second)) > 50


def test_when_grdf_is_down_it_stops_soon(own: Any, account_id: str) -> None:
    family(own, account_id, *"abcde")
    own.control.fault("/pce/", status=503, times=99)
    own.control.clear_log()
    with pytest.raises(ServiceUnavailable):
        read()
    assert len(calls(own)) == 3


@pytest.mark.parametrize("named", [False, True])
def test_those_that_always_fail_are_read_behind_all_others(own: Any, account_id: str, named: bool) -> None:
    pces = family(own, account_id, *"abcdefgh")
    always, others = list(pces)[:4], list(pces)[4:]
    for name in always:
        own.control.fault(f"/pce/{pces[name]}/", status=503, times=None)
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    form = {"params": {"accounts": list(pces) if named else []}}
    for number in (1, 2):
        with pytest.raises(ServiceUnavailable):
            task.execute(context(try_number=number) | form)
    assert [name for name in others if not periods(name)] == []
    assert all(document(own, name).get("monthly_failed_at") for name in always)
    own.control.set(faults=[])
    task.execute(context(try_number=3) | form)
    assert [name for name in pces if not periods(name) or "monthly_failed_at" in document(own, name)] == []


def test_a_run_after_a_failure_begins_elsewhere(own: Any, account_id: str) -> None:
    pces = family(own, account_id, *"abcdefgh")
    own.control.fault(f"/pce/{pces[next(iter(pces))]}/", status=503, times=None)
    with_failure = {"params": {"accounts": list(pces)}}
    orders = set()
    for number in range(1, 7):
        own.control.clear_log()
        task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
        now = context(try_number=number) | with_failure
        now["dag_run"].run_after = datetime.now(UTC)
        with pytest.raises(ServiceUnavailable):
            task.execute(now)
        asked = [call["path"].split("/")[-2] for call in own.control.log() if "/pce/" in call["path"]]
        assert set(asked) == set(pces.values())
        orders.add(asked[0])
    assert len(orders) > 2


@pytest.mark.parametrize(
    ("named", "tries", "wait", "put_off"),
    [(True, 4, None, False), (False, 1, None, False), (False, 1, 20_000, True), (False, 4, None, True)],
)
def test_when_the_quota_is_spent_the_rest_waits(
    own: Any, account_id: str, named: bool, tries: int, wait: int | None, put_off: bool
) -> None:
    pces = family(own, account_id, "a", "b", "c")
    own.control.fault(f"{pces[list(pces)[1]]}/", status=429, times=99, retry_after=wait)
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    form = {"params": {"accounts": list(pces) if named else []}}
    if put_off:
        counts = task.execute(context(try_number=tries) | form)
        assert (counts["accounts"], counts["put_off"]) == (1, 1)
    else:
        with pytest.raises(QuotaExceeded):
            task.execute(context(try_number=tries) | form)
    assert [("published" in document(own, name)) for name in pces] == [True, False, False]


def test_our_own_credentials_refused_stops_at_once(own: Any, account_id: str) -> None:
    family(own, account_id, "a", "b")
    own.control.fault("/pce/", status=401, times=99)
    own.control.clear_log()
    with pytest.raises(CredentialsRefused):
        read()
    assert len(calls(own)) == 2, "once more with a new token, and no other account"


def test_a_form_that_is_no_list(own: Any) -> None:
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    with pytest.raises(BadRequest, match="list of ids"):
        task.execute(context() | {"params": {"accounts": "home"}})


def test_one_that_leaves_meanwhile_keeps_nothing(own: Any, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from grdf.hooks.adict import AdictHook

    known_account(own, account_id)
    ask = AdictHook.published_lines

    def late(self: Any, *arguments: Any, **more: Any) -> Any:
        change(own, account_id, leaving={"run": "r", "by": "someone", "since": "2024-01-01T00:00:00Z"})
        return ask(self, *arguments, **more)

    monkeypatch.setattr(AdictHook, "published_lines", late)
    assert read(account_id)["skipped"] == 1
    assert periods(account_id) == []
    assert not {"published", "meter_facts"} & document(own, account_id).keys()
