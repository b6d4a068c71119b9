"""An incomplete list of rights does not make households consent again. The list of another day decides."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.sections.rights.list_seen import ListMissed
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable
from include.sandbox.connect import AccountBook
from tests.helpers import holder
from tests.leaving.runs import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


class Town:
    """Ten households with separate databases, so that a list of their rights is a complete list.

    :param world: the outside world
    :param prefix: prefix of the databases' names
    """

    def __init__(self, world: LocalWorld, prefix: str) -> None:
        self.world = world
        self.book = AccountBook(world.couch.url, world.couch.user, world.couch.password, prefix)
        self.names = [f"{prefix.strip('/')}-{number:05}" for number in range(30_001, 30_011)]
        self.rights: dict[str, str] = {}
        for name in self.names:
            (pce,) = holder(name).pces
            (right,) = world.control.consent([pce])
            self.rights[name] = right["id_droit_acces"]
            consents = [{"pce": pce, "id_accreditation": right["id_droit_acces"]}]
            results = {"pce_id": pce, "consents": consents}
            self.book.save(
                {"_id": name, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results}
            )

    def list_only(self, *names: str, times: int | None = None) -> None:
        """Make GRDF list the rights of some households only."""
        mine = {self.rights[name] for name in names}
        lines = [right for right in self.world.control.consents() if right["id_droit_acces"] in mine]
        body = "\n".join(json.dumps(line) for line in lines)
        self.world.control.set(faults=[{"path": "droits_acces$", "status": 200, "body": body, "times": times}])

    def whole_list(self) -> None:
        self.world.control.set(faults=[])

    def marked(self) -> list[str]:
        return [name for name in self.names if (self.book.get(name) or {}).get("state")]

    def missed(self) -> list[str]:
        return [name for name in self.names if ListMissed.key in (self.book.get(name) or {})]

    def next_day(self) -> None:
        """Turn today's notes into yesterday's."""
        for name in self.missed():
            document: dict[str, Any] = self.book.get(name) or {}
            earlier = self.world.control.today() - timedelta(days=1)
            self.book.save(document | {ListMissed.key: earlier.isoformat()})


@pytest.fixture
def town(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Town:
    prefix = f"brake{abs(hash(request.node.name)) % 10**6}/"
    settings = json.loads(clean.connections()["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": prefix}}
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(settings))
    CouchDBHook().create_database(ACCOUNT)
    town = Town(clean, prefix)
    assert check()["checked"] == 10
    return town


def test_a_list_that_was_cut_short_marks_nobody(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    before = {name: town.book.get(name) for name in town.names}
    town.list_only(*town.names[:3])
    with pytest.raises(ServiceUnavailable, match=r"7 of 10 accounts .* none of them was marked") as told:
        check()
    assert "lost_consents_percent" in str(told.value)
    assert town.marked() == []
    town.whole_list()
    assert check()["lost"] == 0
    after = {name: {**(town.book.get(name) or {}), "_rev": ""} for name in town.names}
    assert after == {name: {**(document or {}), "_rev": ""} for name, document in before.items()}


def test_tried_again_on_the_same_day_it_still_marks_nobody(town: Town) -> None:
    town.list_only(*town.names[:3])
    for _ in range(4):
        with pytest.raises(ServiceUnavailable):
            check()
    assert town.marked() == []
    assert len(town.missed()) == 7


def test_what_the_list_of_another_day_says_counts(town: Town) -> None:
    """Seven are missing on one day, and five of them are still missing on the next day."""
    town.list_only(*town.names[:3])
    with pytest.raises(ServiceUnavailable):
        check()
    town.next_day()
    town.list_only(*town.names[:5])
    counts = check()
    assert counts["lost"] == 5
    assert town.marked() == town.names[5:]
    assert town.missed() == []


def test_households_that_leave_one_by_one_are_marked_at_once(town: Town) -> None:
    town.list_only(*town.names[2:])
    assert check()["lost"] == 2
    assert town.marked() == town.names[:2]
    town.list_only(*town.names[4:])
    assert check()["lost"] == 4
    assert town.marked() == town.names[:4]


def test_whose_meter_somebody_else_has_now_is_marked_all_the_same(town: Town) -> None:
    """New tenants have consented on three meters, and four more lines are missing from the list."""
    moved = town.names[:3]
    for name in moved:
        town.world.control.revoke(town.rights[name])
        town.world.control.consent(holder(name).pces, keep_others=True)
    gone = {town.rights[name] for name in town.names[3:7]}
    mine = {pce for name in town.names for pce in holder(name).pces}
    lines = [
        right
        for right in town.world.control.consents()
        if right["id_pce"] in mine and right["id_droit_acces"] not in gone
    ]
    body = "\n".join(json.dumps(line) for line in lines)
    town.world.control.set(faults=[{"path": "droits_acces$", "status": 200, "body": body, "times": None}])
    with pytest.raises(ServiceUnavailable, match="4 of 10 accounts"):
        check()
    assert town.marked() == moved


def test_the_share_is_a_setting(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    town.list_only(*town.names[:3])
    assert check()["lost"] == 7
    assert town.marked() == town.names[3:]
