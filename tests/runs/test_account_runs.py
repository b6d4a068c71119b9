"""What runs of an account store, ask for, and leave on its document."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import asdict

from include.gas.days.windows import oldest_allowed
from include.gas.documents.day_documents import database_name
from include.sandbox.connect import consent, cozy_account
from tests.helpers import connect_code, connect_cozy, holder, known_account, lose, yesterday
from tests.runs.account_run import days, figures, run, secrets_in

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def assert_whole(world: LocalWorld, account: str, *pces: str) -> None:
    """Check that everything is stored that GRDF has of the allowed history."""
    today = world.control.today()
    for pce in pces:
        assert days(world, account, pce) == world.control.expected(pce, oldest_allowed(today), today)


@pytest.mark.parametrize(("connect", "meters"), [(connect_cozy, 1), (connect_code, 2)], ids=["cozy", "code"])
def test_a_first_launch_and_a_second(clean: LocalWorld, account_id: str, connect: Any, meters: int) -> None:
    pces = connect(clean, account_id, meters)
    assert secrets_in(document(clean, account_id))
    first = run(clean, account_id)
    assert not first.failed, first.said
    history = {
        "date_debut": str(oldest_allowed(clean.control.today())), "date_fin": str(clean.control.today()),
    }  # fmt: skip
    assert [(call["pce"], call["query"]) for call in first.data_calls] == [(pce, history) for pce in pces]
    assert_whole(clean, account_id, *pces)
    found = document(clean, account_id)
    assert secrets_in(found) == []
    assert not found.get("state")
    rights = {right["id_pce"]: right["id_droit_acces"] for right in clean.control.consents()}
    results = found["oauth_callback_results"]
    assert (results["pce_id"], [(each["pce"], each["id_accreditation"]) for each in results["consents"]]) == (
        pces[0], [(pce, rights[pce]) for pce in pces],
    )  # fmt: skip

    again = run(clean, account_id)
    assert [call["pce"] for call in again.data_calls] == list(pces)
    assert len(again.calls) == len(pces) + 1, "one call per meter, and this process's token"
    assert again.data_calls[0]["query"]["date_debut"] == str(yesterday(clean) - timedelta(days=62))
    assert document(clean, account_id) == found, "nothing was written"


def test_an_account_that_the_konnector_left(clean: LocalWorld, account_id: str) -> None:
    (pce,) = connect_cozy(clean, account_id)
    kept = document(clean, account_id)
    kept["oauth_callback_results"] |= {"pce_id": pce, "id_token": "eyJhbGciOiJIUzI1NiJ9.e30.expired-long-ago"}
    clean.book.save(kept)
    done = run(clean, account_id)
    assert (done.failed, len(done.data_calls)) == ("", 1), done.said
    assert_whole(clean, account_id, pce)
    results = document(clean, account_id)["oauth_callback_results"]
    assert secrets_in(results) == [], "its id_token must not pass for a new consent later"
    assert results["pce_id"] == pce
    assert results["consents"][0]["id_accreditation"], "learnt from GRDF, for a later deletion"


def test_a_consent_made_anew_is_taken(clean: LocalWorld, account_id: str) -> None:
    """The household was asked to act, and connects again with one more meter."""
    (first,) = connect_cozy(clean, account_id)
    assert not run(clean, account_id).failed
    lose(clean, first)
    assert run(clean, account_id, by_hand=True).failed
    kept, before = days(clean, account_id, first), document(clean, account_id)
    assert before["state"] == OUTDATED
    who = holder(account_id, 2)
    fresh = cozy_account(account_id, consent(clean.facts, who), clean.facts)
    results = before["oauth_callback_results"] | fresh["oauth_callback_results"]
    clean.book.save(before | {"oauth": fresh["oauth"], "oauth_callback_results": results})
    done = run(clean, account_id)
    assert not done.failed, done.said
    assert [call["pce"] for call in done.data_calls] == list(who.pces)
    assert secrets_in(document(clean, account_id)) == []
    assert kept.items() <= days(clean, account_id, first).items()
    assert_whole(clean, account_id, *who.pces)


def test_a_consent_that_covers_a_few_days_alone(clean: LocalWorld, account_id: str) -> None:
    today = clean.control.today()
    first, end = str(today - timedelta(days=30)), str(today - timedelta(days=10))
    (pce,) = known_account(clean, account_id, history=False, conso_debut=first, conso_fin=end)
    done = run(clean, account_id)
    assert [call["query"] for call in done.data_calls] == [{"date_debut": first, "date_fin": end}], done.said
    assert sorted(days(clean, account_id, pce)) == [str(today - timedelta(days=n)) for n in range(30, 10, -1)]


def test_a_correction_of_a_past_year_reaches_its_totals(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pce,) = known_account(clean, account_id)
    monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", "450")
    assert not run(clean, account_id).failed
    before = figures(clean, account_id, pce)
    day = date(yesterday(clean).year - 1, 12, 15)
    clean.control.correct(pce, day, before[str(day)] + 5.5)
    monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", "5")
    assert not run(clean, account_id).failed
    assert figures(clean, account_id, pce) == before, "its window does not reach that day"
    monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", "450")
    assert not run(clean, account_id).failed
    after = figures(clean, account_id, pce)
    changed = {str(day): 5.5, str(day)[:7]: 5.5, str(day)[:4]: 5.5}
    assert {period: after[period] - before[period] for period in after if after[period] != before[period]} == changed


def test_the_seeds_example(clean: LocalWorld, account_id: str) -> None:
    """A year with a total of 76.712 has 82.212 after one more day has been read, and there is still one document."""
    last = date(yesterday(clean).year - 1, 9, 20)
    (pce,) = known_account(clean, account_id, conso_debut=str(last - timedelta(days=2)))
    for ago, load in ((2, 40.5), (1, 36.212)):
        clean.control.correct(pce, last - timedelta(days=ago), load)
    for day, total in ((last - timedelta(days=1), 76.712), (last, 82.212)):
        assert not run(clean, account_id, day).failed
        assert figures(clean, account_id, pce)[str(last.year)] == total
        clean.control.correct(pce, last, 5.5)


def test_openlineage_is_told_days_and_numbers_and_no_household(clean: LocalWorld, account_id: str) -> None:
    from grdf.operators.load import LoadOperator

    first, end = str(yesterday(clean) - timedelta(days=40)), str(clean.control.today())
    (pce,) = known_account(clean, account_id, history=False, conso_debut=first)
    done = run(clean, account_id)
    load = done.operators["load"]
    assert isinstance(load, LoadOperator)
    lineage = load.get_openlineage_facets_on_complete(None)
    assert lineage is not None
    (read,), of_run = map(asdict, lineage.inputs), lineage.run_facets["grdf_gas_days"]
    assert read["namespace"] + read["name"] == f"{clean.facts['adict_base']}/pce/*/donnees_consos_informatives"
    assert read["inputFacets"]["inputStatistics"]["fileCount"] == 1
    assert (of_run.first, of_run.end) == (first, end)
    wrote, stored = [asdict(each) for each in lineage.outputs], figures(clean, account_id, pce)
    lengths = {"com.grandlyon.grdf.day": 10, "com.grandlyon.grdf.month": 7, "com.grandlyon.grdf.year": 4}
    assert {each["name"]: each["outputFacets"]["outputStatistics"]["rowCount"] for each in wrote} == {
        database_name(doctype): sum(len(period) == length for period in stored) for doctype, length in lengths.items()
    }
    assert {each["namespace"] for each in wrote} == {f"couchdb://{clean.couch.url.partition('//')[2]}"}
    assert [word for word in (pce, account_id, "kWh", "energie") if word in f"{read}{wrote}{of_run}"] == []


GONE: dict[str, Any] = {}
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "gone": (GONE, "BadAccount: .*no such account"),
    "oauth": ({"oauth": ["x"]}, "BadAccount: .*oauth"),
    "pce_id": ({"oauth_callback_results": {"pce_id": 9999995900001}}, "BadAccount: .*pce_id"),
    "consents": ({"oauth_callback_results": {"consents": "0999"}}, "BadAccount: .*consents"),
    "another type": ({"account_type": "enedissgegrandlyon"}, "BadAccount: .*account_type"),
    "the revoking type": ({"account_type": "grdfgrandlyon.delete"}, "BadAccount: .*account_type"),
    "no type": ({"account_type": None}, "BadAccount: .*account_type"),
    "no grant": ({"oauth": {}, "oauth_callback_results": {}}, "GrantRefused: .*connect again"),
    "null": ({"oauth": None}, "GrantRefused: .*connect again"),
}


@pytest.mark.parametrize(("parts", "said"), ODD.values(), ids=ODD)
def test_an_odd_document_is_left_as_it_is(clean: LocalWorld, account_id: str, parts: dict[str, Any], said: str) -> None:
    if parts is not GONE:
        clean.book.save({"_id": account_id, "account_type": "grdfgrandlyon", **parts})
    before = document(clean, account_id)
    done = run(clean, account_id)
    assert (done.failed, done.calls) == ("acquire_token", [])
    assert done.matches(said, account_id)
    after = document(clean, account_id)
    assert after == before if "Bad" in said else after["state"] == OUTDATED
