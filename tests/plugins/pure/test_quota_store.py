"""The store of the quota: what is wrong with it is said with the setting or the file, and without a password."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from grdf.quota import quota_store
from grdf.quota.call_terms import Quota
from grdf.quota.governor import Governor
from grdf.quota.quota_store import QuotaStore
from include.gas.errors import BadSettings, GasError, RetryLater, StoreBusy
from tests.plugins.clockwork import call


def use(url: str | Path) -> None:
    """Make a call that is counted in a store, or in a file."""
    call(Governor(QuotaStore(f"sqlite:///{url}" if isinstance(url, Path) else url), "id", Quota(1.0, 6000)))


def damage(file: Path) -> None:
    file.write_bytes(b"this is no database, whatever its name says" * 50)


def damage_ledger(file: Path) -> None:
    use(file)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE grdf_quota SET ledger = '{'")
    database.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damage, r"quota\.db cannot be used .*move it away"),
        (Path.mkdir, r"quota\.db cannot be used"),
        (lambda file: file.parent.rmdir() or file.parent.write_text(""), r"quota\.db cannot be used"),
        (damage_ledger, r"quota\.db cannot be used .*move it away"),
    ],
    ids=["no database", "a folder", "below a file", "no ledger"],
)
def test_a_file_that_cannot_be_used_is_a_matter_of_settings(
    tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    file = tmp_path / "folder" / "quota.db"
    file.parent.mkdir()
    spoil(file)
    with pytest.raises(BadSettings, match=said):
        use(file)


def test_a_file_that_others_hold_too_long_passes_and_nobody_else_on_the_machine_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota_store, "_PATIENCE", 0.05)
    file = tmp_path / "quota.db"
    use(file)
    assert file.stat().st_mode & 0o777 == 0o600
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="database is locked"):
        use(file)
    holder.close()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql://grdf:hush-hush@127.0.0.1:9/airflow", StoreBusy),
        ("postgresql+nodriver://grdf:hush-hush@127.0.0.1:9/airflow", BadSettings),
        ("postgresql://grdf:hush-hush@127.0.0.1:port/airflow", BadSettings),
        *((f"postgresql://u:{word}@127.0.0.1:9/x", RetryLater) for word in ("hush/x", "x#hush", "%ZZhush")),
        ("postgresql://u:[hush]@127.0.0.1:9/x", GasError),
        *((f"{form}hush@h/d", BadSettings) for form in ("redis://:", "mysql://u:", "")),
        ("memory://", BadSettings),
        ("quota.db", BadSettings),
    ],
)
def test_an_address_that_cannot_be_used_is_not_shown(url: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"\[grdf\] quota_url") as caught:
        use(url)
    assert "hush" not in "".join(traceback.format_exception(caught.value))
