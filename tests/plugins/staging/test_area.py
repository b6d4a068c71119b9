"""Staged files are private, complete or absent, belong to one account, and are removed after use."""

from __future__ import annotations

import errno
import os
import stat
import traceback
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from airflow.sdk import ObjectStoragePath

from grdf.staging.area import StagedAnswer, Staging
from grdf.staging.files import write_private
from grdf.staging.folder import Folder
from include.gas.days.windows import Window
from include.gas.errors import BadSettings, FailNow, StoreBusy
from include.sandbox.processes import free_port
from tests.servers import ObjectStore

JUNE = Window(date(2026, 6, 1), date(2026, 6, 3))
ANSWER = StagedAnswer("09999995000010", JUNE, "2026-06-05T08:00:00+00:00", '{"é": 1}\n{"b"', date(2024, 1, 1))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_put_is_given_and_removed(place: Staging) -> None:
    run = "scheduled__2026-06-01T04:00:00+00:00"
    answers = [ANSWER, StagedAnswer("GI999042", JUNE, "2026-06-05T08:00:00+00:00", "")]
    place.put("home", run, answers)
    place.put("home-2", run, [])
    assert place.get("home", run) == answers
    assert place.get("home", run)[0].window.first.isoformat() == "2026-06-01"
    place.remove("home", run)
    place.remove("home", run)  # doing it again is fine
    with pytest.raises(FailNow, match=r"home.*gone.*extract"):
        place.get("home", run)
    assert place.get("home-2", run) == []


def test_a_traceback_that_shows_an_answer_shows_neither_meter_nor_figures() -> None:
    secret = {name: f"hush-{name}" for name in ("pce", "body")}
    answer = StagedAnswer(window=JUNE, read_at="2026-06-05T08:00:00+00:00", **secret)
    assert "hush" not in repr(answer)
    assert "date(2026, 6, 1)" in repr(answer)


def test_a_second_try_replaces_the_first(place: Staging) -> None:
    place.put("home", "run", [])
    place.put("home", "another run", [])
    place.put("home", "run", [ANSWER])
    assert (place.get("home", "run"), place.get("home", "another run")) == ([ANSWER], [])


@pytest.mark.parametrize("account", ["import", "proofs"])
def test_an_account_that_is_called_like_a_folder_of_ours(place: Staging, account: str) -> None:
    ours = ObjectStoragePath(f"{place.base_url}/{account}/home")
    place.put(account, "run", [ANSWER])
    ours.parent.mkdir(parents=True, exist_ok=True)
    ours.write_bytes(b"not the account's")
    assert place.get(account, "run") == [ANSWER]
    assert place.remove_all(account) == 1
    assert ours.read_bytes() == b"not the account's"


def test_it_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        Staging(f"file://{tmp_path}/grdf/staging").put("home", "run", [ANSWER])
    finally:
        os.umask(old)
    folder = tmp_path / "grdf" / "staging" / "home"
    (file,) = folder.iterdir()
    assert mode(file) == 0o600
    assert mode(folder) == 0o700
    assert mode(folder.parent) == 0o700


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file.json"
    write_private(target, "first")
    with pytest.raises(UnicodeEncodeError):
        write_private(target, "a lone surrogate \udc00")
    assert target.read_text() == "first"
    assert list(target.parent.iterdir()) == [target]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSettings, match=r"home.*staging_url"):
        Staging(f"file://{tmp_path}/file").put("home", "run", [ANSWER])


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("s3://staging@no-such-bucket/staging", BadSettings, r"home.*bucket does not exist.*connection before its @"),
        ("s3://nobody@grdf-staging/staging", StoreBusy, r"home.*@grdf-staging/staging.*tried again"),
        ("s3://grdf-staging/staging", StoreBusy, r"home.*NoCredentials.*connection before its @"),
        ("gs://grdf-staging/staging", BadSettings, r"home.*gcsfs.*provider is installed"),
        ("nonsense://grdf-staging/staging", BadSettings, r"home.*staging_url"),
    ],
)
def test_an_object_store_that_cannot_be_used(
    store: ObjectStore, url: str, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nobody = f"http%3A%2F%2F127.0.0.1%3A{free_port()}"
    monkeypatch.setenv("AIRFLOW_CONN_NOBODY", f"aws://invented:invented@/?endpoint_url={nobody}")
    place = Staging(url)
    with pytest.raises(error, match=words):
        place.put("home", "run", [ANSWER])
    assert store.objects("staging") == []


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Exception("sig=SECRET"), StoreBusy),
        (FileNotFoundError(errno.ENOENT, "No such bucket", "https://store/?sig=SECRET"), BadSettings),
        # These are OSErrors, too. WebHDFS has its token in the query, for example.
        (requests.ConnectionError("Max retries exceeded with url: /x?delegation=SECRET"), StoreBusy),
        (requests.ReadTimeout("Read timed out: /x?delegation=SECRET"), StoreBusy),
        (OSError("https://writer:SECRET/x@store/ is closed"), StoreBusy),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset", "https://store/?sig=SECRET"), StoreBusy),
    ],
)
def test_no_traceback_tells_what_the_message_leaves_out(failure: Exception, error: type[Exception]) -> None:
    with pytest.raises(error, match="home") as caught, Folder("s3://bucket/staging", "", "home").failures():
        raise failure
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_files_of_failed_runs_go_in_the_end(place: Staging) -> None:
    moment = timedelta(minutes=5)
    place.put("home", "1", [ANSWER])
    assert place.remove_old(datetime.now(UTC) - moment) == 0
    assert place.get("home", "1") == [ANSWER]
    assert place.remove_old(datetime.now(UTC) + moment) == 1
    assert place.count("home") == 0
