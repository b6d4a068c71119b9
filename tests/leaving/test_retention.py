"""The nightly removal of what was kept for a while: what one step cannot do."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators import retention
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.errors import BadSettings
from include.gas.proof.consent_record import KEPT
from tests.leaving.runs import clear_away

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OVERDUE, FRESH = (f"{KEPT}{datetime.now(UTC).date() + timedelta(days)}:{'b' * 32}" for days in (-2, 1800))


@pytest.fixture(autouse=True)
def kept(clean: LocalWorld) -> Iterator[None]:
    for name in (OVERDUE, FRESH):
        CouchDBHook().put(CONSENT_RECORD, {"_id": name, "pce": "x"})
    yield
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


@pytest.fixture(autouse=True)
def staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}")
    return tmp_path


def there() -> set[str]:
    return {each["_id"] for each in CouchDBHook().range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")} & {OVERDUE, FRESH}


def test_a_step_that_fails_keeps_none_of_the_others(
    staging: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "FILES_KEPT", timedelta(0))
    (staging / "import").mkdir()
    (staging / "import" / "homes.csv").write_text("pce")
    (staging / "proofs").write_text("no folder")
    time.sleep(0.02)
    with caplog.at_level(logging.ERROR), pytest.raises(BadSettings, match="could not be written to or read from"):
        clear_away()
    assert there() == {FRESH}
    assert not (staging / "import" / "homes.csv").exists()
