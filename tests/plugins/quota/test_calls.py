"""The quota's settings, and the calls that the hooks make under a quota that the sandbox enforces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.connection import GrdfConnection
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota.governor import governor_for
from grdf.quota.ledger import DAY
from grdf.quota.terms import Quota
from include.gas.days.windows import Window
from include.gas.errors import BadSettings, QuotaExceeded
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, known_account
from tests.quota_calls import calls

WINDOW = Window(date(2026, 6, 1), date(2026, 6, 4))

# ---- settings --------------------------------------------------------------------------------------------------------

FACTS = GrdfConnection("grdf_adict", "id", "secret")


def test_the_quota_is_grdf_s() -> None:
    assert governor_for(FACTS).quota == Quota(1.0, 6000)


@pytest.mark.parametrize("url", ["memory://", "quota.db", "mysql://h/d"])
def test_an_unknown_store_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__QUOTA_URL", url)
    with pytest.raises(BadSettings, match="quota_url names an unknown kind of store"):
        governor_for(FACTS)


def test_the_quota_is_read_from_the_connection(connection: Callable[..., str]) -> None:
    usual = {"login": "id", "password": "secret"}
    conn_id = connection("grdf_x", **usual, extra={"calls_per_second": "0.5", "calls_per_day": 100})
    facts = GrdfOAuthHook(conn_id).facts
    assert (facts.calls_per_second, facts.calls_per_day) == (0.5, 100)
    connection("grdf_x", **usual, extra={"calls_per_second": 0, "calls_per_day": "0.5"})
    with pytest.raises(BadSettings) as caught:
        GrdfOAuthHook(conn_id).facts  # noqa: B018 - a property that reads
    assert "calls_per_second in its extra is wrong" in str(caught.value)


# ---- the hooks, with the sandbox's quota enforced --------------------------------------------------------------------


def test_four_workers_under_an_enforced_quota(clean: LocalWorld, tmp_path: Path) -> None:
    seen = calls(clean, tmp_path, 40, per_second=5.0)
    assert seen.trouble == []
    assert seen.refused == 0
    assert seen.calls == 40 + 4, "one call for each account and one token for each worker"


def test_a_spent_day_makes_no_call(clean: LocalWorld, grdf: Callable[..., str], account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    hook = AdictHook(grdf(extra={"calls_per_day": 3, "calls_per_second": 1000}), shelf=MemoryShelf())
    for _ in range(2):
        hook.daily_lines(pce, WINDOW, account=account_id)
    seen = len(clean.control.log())
    with pytest.raises(QuotaExceeded, match=f"Account {account_id}: .*all 3 calls") as caught:
        hook.daily_lines(pce, WINDOW, account=account_id)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > DAY - 600
    assert len(clean.control.log()) == seen == 3
