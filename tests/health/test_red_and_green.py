"""What ``grdf_health`` says of a fleet, run by Airflow on real documents."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger
from include.gas.account.marks import with_leaving
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT, DAY
from include.gas.leaving.deletion import Order, begun, open_record
from include.gas.rights.meter_rights import Meter, Right
from tests.health.accounts import account, meter, today

if TYPE_CHECKING:
    import pytest

    from tests.health.mail import Mailbox
    from tests.health.scene import Fleet


def test_without_accounts_it_is_green_and_says_so(fleet: Fleet) -> None:
    run = fleet.check()
    assert run.state == "success"
    assert "No account is connected yet" in run.output
    assert run.calls == [], "GRDF is not asked"


def test_a_fleet_that_is_read_is_green(fleet: Fleet) -> None:
    fleet.add(*(account(number) for number in range(5)))
    run = fleet.check()
    assert run.state == "success"
    assert "The fleet is well: 5 of 5" in run.output


def test_a_silent_fleet_is_red_with_names_reasons_and_what_to_do(fleet: Fleet) -> None:
    fleet.add(*(account(number, age=9) for number in range(3)), *(account(number) for number in range(3, 6)))
    run = fleet.check()
    assert run.state == "failed"
    first = run.output.index(
        "The fleet of 6 account(s) is not well: 3 of 6 accounts are silent, because we do not read"
    )
    silent = run.output.index("unread: 3 of 6")
    assert first < silent
    told = run.output[silent:].splitlines()[0]
    assert f"watched-00000 (newest day {today() - timedelta(days=9)}, Airflow has no DAG for it)" in told
    assert "watched-00002" in told
    assert "50.0 %, more than 2 % call a person" in told
    assert "docs/runbook.md" in told
    assert not any(meter(number) in run.output for number in range(6))


def test_databases_that_are_gone_are_told_on_the_same_day(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.add(account(1))
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    couchdb = CouchDBHook()
    assert couchdb.request("DELETE", DAY, "").ok
    run = fleet.check()
    assert run.state == "failed"
    assert "the accounts could not be looked at: CouchDB has no database for com.grandlyon.grdf.day" in run.output


def test_a_deletion_that_stopped_is_told_and_who_a_backup_has_brought_back(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    order = Order(run="r", started="s", asked_by="me", keep_data=False)
    stopped = begun(open_record("watched-00002", []), order, datetime.now(UTC) - timedelta(days=2))
    ended = begun(open_record("watched-00003", []), order, datetime.now(UTC)) | {
        "finished_at": utc_text(datetime.now(UTC))
    }
    CouchDBHook().put(AUDIT, stopped)
    CouchDBHook().put(AUDIT, ended)
    fleet.add(account(1), with_leaving(account(3), by="me", since=datetime.now(UTC)))
    run = fleet.check()
    assert run.state == "failed"
    (line,) = re.findall("deletion: .*", run.output)
    assert line.startswith(
        "deletion: 2 household(s) that have left are not gone. New: watched-00002 (its deletion of 20"
    )
    assert "watched-00003 (deleted on 20" in line


def test_with_couchdb_down_it_is_red_with_that_reason(fleet: Fleet) -> None:
    fleet.connection["host"] = "127.0.0.1:9"
    run = fleet.check()
    assert run.state == "failed"
    assert re.search(r"is not well: the accounts could not be looked at: .*CouchDB", run.output)


def test_wrong_settings_are_named_and_hide_nothing(fleet: Fleet) -> None:
    """Whichever DAG needs them. Accounts' DAGs take the default, so that nothing else is red for them."""
    fleet.add(account(1, age=9), account(2))
    wrong = {
        "retries": "noon", "alert_notifier": "no.such.N", "connections": "a b", "first_hour": "25",
        "ways_in": "by post", "reread_days": "all",
    }  # fmt: skip
    run = fleet.check(**wrong)
    assert run.state == "failed"
    for name in wrong:
        (line,) = re.findall(rf"setting: .*\[grdf\] {name} .*", run.output)
        assert "Correct it for all parts of Airflow" in line
    assert "1 of 2 accounts are silent" in run.output, "the rest is looked at"


def test_one_mail_tells_of_the_whole_fleet(fleet: Fleet, mailbox: tuple[Mailbox, dict[str, str]]) -> None:
    box, env = mailbox
    fleet.add(*(account(number, age=9) for number in range(100, 140)))
    assert fleet.check(**env).state == "failed"
    (mail,) = box.mails
    assert mail["To"] == "team@example.org"
    assert "1 cause(s) need a person" in mail["Subject"]
    (text,) = box.texts
    assert "40 of 40 accounts are silent, because we do not read them" in text
    assert "and 20 more" in text
    assert "docs/runbook.md" in text
    assert meter(100) not in text


def test_whoever_falls_silent_is_named_by_one_mail_alone(fleet: Fleet, mailbox: tuple[Mailbox, dict[str, str]]) -> None:
    box, env = mailbox
    fleet.add(account(61, age=9), *(account(number) for number in range(2, 6)))
    runs = [fleet.check(**env) for _ in range(2)]
    assert [run.state for run in runs] == ["success", "success"], "one of five is no share"
    assert ["watched-00061" in run.output for run in runs] == [True, False]
    (mail,) = box.mails
    assert "1 thing(s) are new" in mail["Subject"]
    assert "watched-00061 (newest day" in box.texts[0]
    dead = json.loads(env["AIRFLOW_CONN_FLEET_MAIL"]) | {"port": 9}
    lost = account(67, state="USER_ACTION_NEEDED.OAUTH_OUTDATED", state_since=f"{datetime.now(UTC).isoformat()}")
    (held,) = lost["status"]["meters"].values()
    held |= {"word": "over", "day": str(today())}
    fleet.add(lost)
    for told in ({"AIRFLOW_CONN_FLEET_MAIL": json.dumps(dead)}, {}):
        run = fleet.check(**env | told)
        assert "watched-00067" in run.output, "who was not told by mail is named again"
        assert "watched-00061" not in run.output
    assert len(box.mails) == 2


def test_a_well_fleet_sends_no_mail(fleet: Fleet, mailbox: tuple[Mailbox, dict[str, str]]) -> None:
    box, env = mailbox
    fleet.add(account(1))
    assert fleet.check(**env).state == "success"
    assert box.mails == []


def test_a_right_without_an_account_is_told_once_by_mail_and_makes_nothing_red(
    fleet: Fleet, mailbox: tuple[Mailbox, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, env = mailbox
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    ledger = Ledger(CouchDBHook())

    def lose(number: int) -> None:
        """Let GRDF list a right of nobody."""
        right = Right(
            client="grdf_adict", id=f"right-{number}", way="client_connect", since="2026-01-01T08:00:00Z",
            state="active", was_active=True, listed_at=utc_text(datetime.now(UTC)),
        )  # fmt: skip
        ledger.apply(meter(number), lambda before: Meter(pce=before.pce, rev=before.rev, rights=(right,)))

    fleet.add(account(1))
    lose(2)
    for _ in range(2):
        run = fleet.check(**env)
        assert run.state == "success"
        assert "unclaimed: 1 right(s) in force at GRDF have no account" in run.output
    assert len(box.mails) == 1
    assert "1 right(s) in force at GRDF have no account. New: right-2 (grdf_adict). Their holders" in box.texts[0]
    assert "Start grdf_adopt_rights" in box.texts[0]
    assert meter(2) not in box.texts[0]
    lose(3)
    assert fleet.check(**env).state == "success"
    assert "2 right(s) in force" in box.texts[1]


def test_a_mail_server_that_does_not_answer_is_told_and_hides_nothing(
    fleet: Fleet, mailbox: tuple[Mailbox, dict[str, str]]
) -> None:
    _, env = mailbox
    dead = json.loads(env["AIRFLOW_CONN_FLEET_MAIL"]) | {"port": 9}
    fleet.add(account(1, age=9))
    run = fleet.check(**env | {"AIRFLOW_CONN_FLEET_MAIL": json.dumps(dead)})
    assert "the alert could not be sent by" in run.output
    assert "watched-00001 (newest day" in run.output
