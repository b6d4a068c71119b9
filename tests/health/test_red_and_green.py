"""What ``grdf_health`` reports of a fleet's documents, and by mail. Which cause is red: ``tests/gas/health``."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grdf.health.unread_reasons import FAILED, PAUSED, find_unread_accounts
from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.marks import with_leaving
from include.gas.days.gas_day import gas_day_start, utc_text
from include.gas.display.account_summary import summarize_account
from include.gas.documents.doctypes import AUDIT
from include.gas.leaving.deletion import DeletionOrder, begin_deletion, open_record
from tests.health.accounts import account, today

if TYPE_CHECKING:
    from tests.health.conftest import Fleet
    from tests.health.mail import Mailbox

Mail = tuple["Mailbox", dict[str, str]]
PERSON = "alix@example.org"
HOME = summarize_account(account(1, age=9) | {"_id": "home"})


def cause(said: str, name: str) -> str:
    (line,) = re.findall(f"(?m)^{name}: .*", said)
    return str(line)


def test_what_cannot_be_looked_at_is_red_with_that_reason(fleet: Fleet) -> None:
    fleet.add(account(1))
    fleet.connection |= {"host": "127.0.0.1", "port": 9}
    looked = fleet.check()
    assert not looked.well
    assert re.search(r"not well: the accounts could not be looked at: .*CouchDB", looked.said)


def test_a_deletion_that_stopped_is_told_and_who_a_backup_has_brought_back(fleet: Fleet) -> None:
    now = datetime.now(UTC)
    order = DeletionOrder(run="r", started="s", asked_by="me", keep_data=False)
    CouchDBHook().put(AUDIT, begin_deletion(open_record("watched-00002", []), order, now - timedelta(days=2)))
    CouchDBHook().put(
        AUDIT, begin_deletion(open_record("watched-00003", []), order, now) | {"finished_at": utc_text(now)}
    )
    fleet.add(account(1), with_leaving(account(3), by="me", since=now))
    looked = fleet.check()
    assert not looked.well
    line = cause(looked.said, "deletion")
    assert "2 household(s) that have left are not gone" in line
    assert re.search(r"watched-00002 \(its deletion .*watched-00003 \(deleted on", line)


def test_wrong_settings_are_named_and_hide_nothing(fleet: Fleet) -> None:
    fleet.add(account(1, age=9), account(2))
    looked = fleet.check(retries="noon", alert_notifier="no.such.N")
    assert not looked.well
    for name in ("retries", "alert_notifier"):
        assert re.search(rf"setting: .*\[grdf\] {name} .*Correct it", looked.said)
    assert "1 of 2 accounts are silent" in looked.said, "the rest is looked at"
    wrong = fleet.check(price_file="/no/such.csv")
    assert (wrong.well, "prices: The prices of gas are wrong" in wrong.said, "New: " in wrong.said) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize(
    "part",
    [
        "grdf.health.fleet_verdict.judge_fleet", "grdf.health.fleet_verdict.unfinished_deletions",
        "grdf.health.fleet_verdict.find_rights_concerns", "grdf.operators.take_prices.read_prices",
        "grdf.operators.check_health.find_late_meters", "grdf.health.gauges.set_fleet", "grdf.health.gauges.set_causes",
        "grdf.health.settings_check.find_wrong_settings",
    ],
)  # fmt: skip
def test_a_part_that_fails_is_a_finding_and_hides_nothing(
    fleet: Fleet, mailbox: Mail, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError(PERSON)

    box, env = mailbox
    fleet.add(account(62, age=9), *(account(number) for number in range(2, 6)))
    monkeypatch.setattr(part, fail)
    looked = fleet.check(**env)
    assert not looked.well
    assert re.search(r"broken: .*\(KeyError in test_red_and_green\.py, line \d+\)", looked.said)
    assert PERSON not in looked.said + box.texts[0]
    assert "KeyError in test_red_and_green.py" in box.texts[0]
    assert ("watched-00062" in box.texts[0]) == (not part.endswith("judge_fleet"))


def test_whoever_falls_silent_is_named_by_one_mail_alone(fleet: Fleet, mailbox: Mail) -> None:
    box, env = mailbox
    fleet.add(account(61, age=9), *(account(number) for number in range(2, 6)))
    looks = [fleet.check(**env) for _ in range(2)]
    assert [(each.well, "watched-00061" in each.said) for each in looks] == [(True, True), (True, False)]
    (mail,) = box.mails
    assert "1 thing(s) are new" in mail["Subject"]
    assert "watched-00061 (newest day" in box.texts[0]
    dead = {"AIRFLOW_CONN_FLEET_MAIL": json.dumps(json.loads(env["AIRFLOW_CONN_FLEET_MAIL"]) | {"port": 9})}
    lost = account(67, state="USER_ACTION_NEEDED.OAUTH_OUTDATED", state_since=datetime.now(UTC).isoformat())
    (held,) = lost["status"]["meters"].values()
    held |= {"word": "over", "day": str(today())}
    fleet.add(lost)
    unsent = fleet.check(**env | dead)
    assert "the alert could not be sent by" in unsent.said
    for looked in (unsent, fleet.check(**env)):
        assert "watched-00067" in looked.said, "who was not in a mail is named again"
        assert "watched-00061" not in looked.said
    assert len(box.mails) == 2


class Runs:
    def __init__(self, day: date, *, is_paused: bool = False) -> None:
        self._at, self._dag = gas_day_start(day), SimpleNamespace(is_paused=is_paused)

    def get_dag(self, dag_id: str) -> Any:
        assert dag_id == "grdf_account__home"
        return self._dag

    def get_ti_count(self, _dag_id: str, *, logical_dates: list[datetime], **_: Any) -> int:
        return logical_dates.count(self._at)


@pytest.mark.parametrize(("ago", "is_read"), [(1, True), (3, True), (4, False), (7, False)])
@pytest.mark.parametrize("late", [0, 2])
def test_a_run_counts_for_two_days(monkeypatch: pytest.MonkeyPatch, ago: int, is_read: bool, late: int) -> None:
    """A run is about the day before it, and as many days more as GRDF takes to publish one."""
    monkeypatch.setenv("AIRFLOW__GRDF__PUBLICATION_DAYS", str(late))
    day = date(2026, 6, 11)
    newest = day - timedelta(days=ago + late - 1)
    assert find_unread_accounts(Runs(newest), day, [HOME]) == ({} if is_read else {"home": FAILED})
    assert find_unread_accounts(Runs(newest, is_paused=True), day, [HOME]) == {"home": PAUSED}
