"""Staged files are private, complete or absent, belong to one account, and are removed after use."""

from __future__ import annotations

import errno
import os
import stat
import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from airflow.sdk import ObjectStoragePath

from grdf.staging.area import StagedAnswer, Staging
from grdf.staging.failures import in_words
from grdf.staging.files import write_private
from include.gas.days.windows import Window
from include.gas.errors import BadSettings, FailNow, StoreBusy
from include.sandbox.processes import free_port
from tests.servers import ObjectStore

JUNE = Window(date(2026, 6, 1), date(2026, 6, 3))
ANSWER = StagedAnswer("09999995000010", JUNE, "2026-06-05T08:00:00+00:00", '{"é": 1}\n{"b"', date(2024, 1, 1))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def local(reference: str) -> Path:
    return Path(reference.removeprefix("file://"))


def test_what_is_put_is_given_and_removed(place: Staging) -> None:
    answers = [ANSWER, StagedAnswer("GI999042", JUNE, "2026-06-05T08:00:00+00:00", "")]
    reference = place.put("home", "scheduled__2026-06-01T04:00:00+00:00", answers)
    assert place.get("home", reference) == answers
    assert place.get("home", reference)[0].window.first.isoformat() == "2026-06-01"
    place.remove("home", reference)
    place.remove("home", reference)  # doing it again is fine
    with pytest.raises(FailNow, match=r"home.*gone.*extract"):
        place.get("home", reference)


@pytest.mark.parametrize("do", [Staging.get, Staging.remove])
@pytest.mark.parametrize(
    "form", ["{home}2/x.json", "{home}/../home2/x.json", "{home}/.kept", "{home}/", "file://{tmp}/any", "x"]
)
def test_only_an_account_s_own_files_are_touched(tmp_path: Path, do: Callable[..., object], form: str) -> None:
    """Users can change what a task was given."""
    base = f"file://{tmp_path}/staging"
    place = Staging(base)
    place.put("home", "run", [ANSWER])
    for other in (
        place.put("home2", "run", [ANSWER]),
        f"{base}/home2/x.json",
        f"{base}/home/.kept",
        f"file://{tmp_path}/any",
    ):
        local(other).write_text("[]")
    before = {file: file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(FailNow, match=r"home.*not in this account's folder"):
        do(place, "home", form.format(home=f"{base}/home", tmp=tmp_path))
    assert {file: file.read_text() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_traceback_that_shows_an_answer_shows_neither_meter_nor_figures() -> None:
    secret = {name: f"hush-{name}" for name in ("pce", "body")}
    answer = StagedAnswer(window=JUNE, read_at="2026-06-05T08:00:00+00:00", **secret)
    assert "hush" not in repr(answer)
    assert "date(2026, 6, 1)" in repr(answer)


def test_a_second_try_replaces_the_first(place: Staging) -> None:
    first = place.put("home", "run", [])
    assert place.put("home", "run", [ANSWER]) == first
    assert place.get("home", first) == [ANSWER]
    assert place.put("home", "another run", []) != first


@pytest.mark.parametrize("account", ["import", "proofs"])
def test_an_account_that_is_called_like_a_folder_of_ours(place: Staging, account: str) -> None:
    ours = ObjectStoragePath(f"{place.base_url}/{account}/home")
    reference = place.put(account, "run", [ANSWER])
    ours.parent.mkdir(parents=True, exist_ok=True)
    ours.write_bytes(b"not the account's")
    assert place.get(account, reference) == [ANSWER]
    assert place.remove_all(account) == 1
    assert ours.read_bytes() == b"not the account's"


def test_it_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        reference = Staging(f"file://{tmp_path}/grdf/staging").put("home", "run", [ANSWER])
    finally:
        os.umask(old)
    file = local(reference)
    assert mode(file) == 0o600
    assert mode(file.parent) == 0o700
    assert mode(file.parent.parent) == 0o700


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
        ("s3://grdf-staging/staging", BadSettings, r"home.*NoCredentials.*connection before its @"),
        ("gs://grdf-staging/staging", BadSettings, r"home.*gcsfs.*Install"),
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


class HttpError(Exception):
    """An error like the one in gcsfs, whose base class says that a server failed."""


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Exception("sig=SECRET"), BadSettings),
        (FileNotFoundError(errno.ENOENT, "No such bucket", "https://store/?sig=SECRET"), BadSettings),
        (HttpError("https://store/?sig=SECRET"), StoreBusy),
        # These are OSErrors, too. WebHDFS has its token in the query, for example.
        (requests.ConnectionError("Max retries exceeded with url: /x?delegation=SECRET"), StoreBusy),
        (requests.ReadTimeout("Read timed out: /x?delegation=SECRET"), StoreBusy),
        (requests.HTTPError("404 Client Error: Not Found for url: https://store/SECRET/x"), BadSettings),
        (OSError("https://writer:SECRET/x@store/ is closed"), StoreBusy),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset", "https://store/?sig=SECRET"), StoreBusy),
    ],
)
def test_no_traceback_tells_what_the_message_leaves_out(failure: Exception, error: type[Exception]) -> None:
    with pytest.raises(error, match="home") as caught, in_words("s3://bucket/staging", "home"):
        raise failure
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_files_of_failed_runs_go_in_the_end(place: Staging) -> None:
    reference, moment = place.put("home", "1", [ANSWER]), timedelta(minutes=5)
    assert place.remove_old(datetime.now(UTC) - moment) == 0
    assert place.get("home", reference) == [ANSWER]
    assert place.remove_old(datetime.now(UTC) + moment) == 1
    assert place.count("home") == 0
