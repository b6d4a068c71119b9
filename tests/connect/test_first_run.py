"""With all of Airflow's components: a household that connects is read without anybody having to act."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from include.gas.account.state import with_state
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import dag_id
from include.gas.errors import OAUTH_OUTDATED
from include.sandbox.processes import Processes
from tests import postgres
from tests.connect.dance import begin, consent, said, stored_account, whole
from tests.connect.site import Site
from tests.helpers import days_of, holder, stored, wait, yesterday

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)


@pytest.fixture(scope="module")
def running(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """API server, scheduler and DAG processor with the LocalExecutor."""
    home = tmp_path_factory.mktemp("running")
    settings = {
        "AIRFLOW__GRDF__STAGING_URL": f"file://{home / 'staging'}",
        "AIRFLOW__GRDF__RETRIES": "3",  # on a busy machine, Airflow sometimes loses a task that has not started
        "AIRFLOW__GRDF__RETRY_SECONDS": "1",
        "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True",
    }
    for known in list(world.book.listed()):  # otherwise the accounts of other tests would all run here
        world.book.remove(known)
    with Processes() as processes:
        if postgres.available():
            settings |= postgres.start_postgres(processes, airflow=True).airflow_settings()
        site = Site(home, world, airflow_home / "airflow.db", settings=settings)
        site.start(processes, "scheduler", "dag-processor")
        yield site


@pytest.fixture
def site_that_reads(running: Site, clean: LocalWorld) -> Site:
    clean.control.set(redirect_uris=[running.redirect_uri])
    return running


def runs(site: Site, account: str) -> list[tuple[str, str, str | None]]:
    return [(run["run_type"], run["state"], run["triggering_user_name"]) for run in site.stack.runs(dag_id(account))]


def finished(site: Site, account: str, number: int) -> list[tuple[str, str, str | None]]:
    """Wait until there are that many runs and all have ended. Return them, the newest first."""
    ended = {"success", "failed"}
    return wait(
        lambda: (found := runs(site, account)) and len(found) == number and {s for _, s, _ in found} <= ended and found
    )


def test_from_the_button_to_stored_days_again_and_after_leaving(
    site_that_reads: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    site, browser = site_that_reads, site_that_reads.browser("op")
    (pce,) = holder(account_id).pces
    first = str(yesterday(world) - timedelta(days=40))

    # A DAG that Airflow has never seen runs by itself.
    page = said(whole(browser, account_id, conso_debut=first))
    assert "up to three years, and every morning" in page.text
    assert finished(site, account_id, 1) == [("scheduled", "success", None)]
    days = days_of(stored(couchdb, account_id, pce))
    assert len(days) > 30
    assert days.items() <= world.control.expected(pce, first, world.control.today()).items()

    # The consent is lost and given again: a DAG that Airflow knows is started by the operator's button, if not by the
    # next morning.
    lost = stored_account(couchdb, account_id)
    assert lost is not None
    couchdb.put(ACCOUNT, with_state(lost, OAUTH_OUTDATED, "the holder has revoked", "2026-01-01T00:00:00Z"))
    page = said(whole(browser, account_id, conso_debut=first))
    assert "the next morning, or as soon as you start it" in page.text
    (button,) = re.findall(r'data-dag="([^"]+)"', page.source)
    started = browser.post(f"{site.url}/api/v2/dags/{button}/dagRuns", json={"logical_date": None})
    assert started.ok, started.text
    assert finished(site, account_id, 2)[0] == ("manual", "success", "op")

    # A household that connects again with a link needs no run now.
    answer = site.program("op").post(f"{site.url}/grdf/connect/{account_id}/link", timeout=60)
    link = answer.json()["link"].removeprefix(f"{site.url}/grdf")
    household = site.browser()
    back = consent(begin(household, account_id, path=link), conso_debut=first)
    page = said(household.get(back))
    assert page.title == "Thank you, you are connected"
    assert "data-dag" not in page.source
    assert len(runs(site, account_id)) == 2
