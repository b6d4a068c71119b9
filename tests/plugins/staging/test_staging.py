"""Staged files, in a local folder and in an object store: private, one account's, whole or absent, and removed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import traceback
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from airflow.sdk import ObjectStoragePath

from grdf.staging.files import write_private
from grdf.staging.folder import Folder
from grdf.staging.imports import Imports
from grdf.staging.staged_answers import AnswersGone, StagedAnswer, Staging
from include.gas.days.windows import Window
from include.gas.errors import BadRequest, BadSettings, ProofNotSent, StoreBusy
from include.gas.proof.proof_file import MOST_BYTES, check_proof_file
from include.sandbox.processes import free_port
from tests.plugins.staging.proof_samples import GOOD, by_hand
from tests.servers import ObjectStore

JUNE = Window(date(2026, 6, 1), date(2026, 6, 3))
ANSWER = StagedAnswer("09999995000010", JUNE, "2026-06-05T08:00:00+00:00", '{"é": 1}\n{"b"', date(2024, 1, 1))
PDF = GOOD["application/pdf"]
HOMES = b"account,pce,name,postcode,email\nhome,09999999900017,Durand-Invente,69001,d@example.org\n"
MOMENT = timedelta(minutes=5)


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Staging:
    if request.param == "file":
        return Staging(f"file://{tmp_path}/staging")
    return Staging(f"s3://staging@{request.getfixturevalue('store').bucket}/{secrets.token_hex(4)}")


def test_what_is_put_is_given_and_removed(place: Staging) -> None:
    run = "scheduled__2026-06-01T04:00:00+00:00"
    answers = [ANSWER, StagedAnswer("GI999042", JUNE, "2026-06-05T08:00:00+00:00", "")]
    place.put("home", run, [])
    place.put("home", run, answers)  # a second try
    place.put("home-2", run, [])
    assert place.get("home", run) == answers
    assert not [said for said in (ANSWER.pce, "é") if said in repr(ANSWER)], "no traceback shows meter or figures"
    place.remove("home", run)
    place.remove("home", run)  # doing it again is fine
    with pytest.raises(AnswersGone, match=r"home.*gone.*another disk.*\[grdf\] staging_url.*extract"):
        place.get("home", run)
    assert place.get("home-2", run) == []


def test_a_deletion_takes_all_of_one_account_whatever_it_is_called(place: Staging) -> None:
    for account in ("home", "home-2", "proofs", "import"):
        place.put(account, "run", [ANSWER])
        place.proofs(account).put(check_proof_file(PDF))
        by_hand(place, f"{account}/old", "scan Durand-Invente.pdf", PDF)
        by_hand(place, f"{account}/old/older", ".hidden", b"x")
    for account in ("home", "proofs", "import"):
        assert place.count(account) == 4
        assert place.remove_all(account) == 4
        assert place.count(account) == 0
    assert place.count("home-2") == 4


def test_it_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    place, old = Staging(f"file://{tmp_path}/grdf/staging"), os.umask(0)
    try:
        place.put("home", "run", [ANSWER])
        place.proofs("home").put(check_proof_file(PDF))
    finally:
        os.umask(old)
    paths = list((tmp_path / "grdf").rglob("*"))
    assert {(path.is_file(), stat.S_IMODE(path.stat().st_mode)) for path in paths} == {(True, 0o600), (False, 0o700)}


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file.json"
    write_private(target, "first")
    with pytest.raises(UnicodeEncodeError):
        write_private(target, "a lone surrogate \udc00")
    assert target.read_text() == "first"
    assert list(target.parent.iterdir()) == [target]


def test_what_a_person_left_in_the_folder_goes_with_it_and_what_a_link_leads_to_stays(tmp_path: Path) -> None:
    local = Staging(f"file://{tmp_path}/staging")
    proofs, outside = tmp_path / "staging" / "proofs", tmp_path / "outside"
    (proofs / "home" / "empty").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.pdf").write_bytes(PDF)
    for number, target in enumerate((outside, outside / "a.pdf", tmp_path / "nothing")):
        (proofs / "home" / f"link-{number}").symlink_to(target)
    assert local.count("home") == local.remove_all("home") == 3
    assert not (proofs / "home").exists()
    assert (outside / "a.pdf").read_bytes() == PDF


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("file://{folder}/file", BadSettings, r"home.*staging_url"),
        ("s3://staging@no-such-bucket/staging", BadSettings, r"home.*bucket does not exist.*connection before its @"),
        ("s3://closed@grdf-staging/staging", StoreBusy, r"home.*@grdf-staging/staging.*tried again"),
        ("s3://grdf-staging/staging", StoreBusy, r"home.*NoCredentials.*connection before its @"),
        ("gs://grdf-staging/staging", BadSettings, r"home.*gcsfs.*provider is installed"),
    ],
)
def test_a_place_that_cannot_be_used(
    store: ObjectStore, tmp_path: Path, url: str, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    closed = f"http%3A%2F%2F127.0.0.1%3A{free_port()}"
    monkeypatch.setenv("AIRFLOW_CONN_CLOSED", f"aws://invented:invented@/?endpoint_url={closed}")
    (tmp_path / "file").touch()
    with pytest.raises(error, match=words):
        Staging(url.format(folder=tmp_path)).put("home", "run", [ANSWER])
    assert store.objects("staging") == []


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Exception("sig=SECRET"), StoreBusy),
        (FileNotFoundError(errno.ENOENT, "No such bucket", "https://store/?sig=SECRET"), BadSettings),
        # This is an OSError, too. WebHDFS has its token in the query, for example.
        (requests.ConnectionError("Max retries exceeded with url: /x?delegation=SECRET"), StoreBusy),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset", "https://store/?sig=SECRET"), StoreBusy),
    ],
)
def test_no_traceback_shows_what_the_message_leaves_out(failure: Exception, error: type[Exception]) -> None:
    with pytest.raises(error, match="home") as caught, Folder("s3://bucket/staging", "", "home").failures():
        raise failure
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_proofs_are_read_in_the_order_of_their_names_and_removed(place: Staging) -> None:
    proofs = place.proofs("home")
    assert proofs.checked() == {}
    by_hand(place, "home", "b scan of M. Durand-Invente.jpeg", GOOD["image/png"])
    by_hand(place, "home", "a.txt", PDF)
    by_hand(place, "home", ".DS_Store", b"of a file manager")
    by_hand(place, "home/old", "scan.pdf", PDF)
    assert [file.kind for file in proofs.checked().values()] == ["application/pdf", "image/png"], "known by content"
    proofs.remove("a.txt", "of no account")
    assert (proofs.count(), proofs.remove_all(), place.count("home")) == (3, 3, 0)
    for content in GOOD.values():
        proofs.put(check_proof_file(content))
    assert [file.content for file in proofs.checked().values()] == list(GOOD.values()), "as they arrived"


def test_a_refusal_names_the_file_by_its_place(place: Staging) -> None:
    by_hand(place, "home", "a.pdf", PDF)
    for content, why in ((b"no PDF", "neither a PDF nor a PNG"), (b"x" * (MOST_BYTES + 1), "larger than 4 MB")):
        by_hand(place, "home", "durand-invente.pdf", content)
        with pytest.raises(ProofNotSent, match=rf"Account home: file 2 of 2 .*{why}.* Nothing was sent") as refused:
            place.proofs("home").checked()
        assert "durand" not in str(refused.value)


@pytest.fixture
def imports(place: Staging) -> Imports:
    return Imports(place.base_url)


def old(imports: Imports, since: timedelta) -> int:
    return Staging(imports.url.removesuffix("/import")).remove_old(datetime.now(UTC) + since)


def test_a_file_is_stored_once_with_its_result_beside_it(imports: Imports) -> None:
    assert (imports.content("homes.csv"), imports.waiting()) == (None, [])
    assert imports.upload("homes.csv", b"\xef\xbb\xbf" + HOMES) == 1
    assert imports.content("homes.csv") == HOMES
    with pytest.raises(BadRequest, match="there is a file homes"):
        imports.upload("homes.csv", HOMES)
    with pytest.raises(BadRequest, match="is not a header"):
        imports.upload("more.csv", HOMES.replace(b"name", b"Durand"))
    imports.write("homes.result.csv", b"line,account\n")
    assert imports.content("homes.result.csv") == b"line,account\n"
    assert (imports.waiting(), imports.waiting(results=True)) == (["homes.csv"], ["homes.result.csv"])
    imports.remove("homes.csv")
    assert (imports.waiting(), imports.waiting(results=True)) == ([], ["homes.result.csv"])


def test_old_files_are_removed_with_the_copies_that_other_programs_leave(imports: Imports) -> None:
    imports.upload("homes.csv", HOMES)
    imports.write("homes.result.csv", b"line,account\n")
    for name in ("homes.csv~", ".homes.csv.swp", ".homes.csv.0123abcd", "homes.xlsx", "old/homes.csv"):
        path = ObjectStoragePath(f"{imports.url}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(HOMES)
    assert [old(imports, -MOMENT), old(imports, MOMENT), old(imports, MOMENT)] == [0, 7, 0]


@pytest.mark.parametrize("dated", [1.6e9, 4e9])
def test_a_copy_with_the_times_of_its_original_is_as_old_as_the_copy(tmp_path: Path, dated: float) -> None:
    """As ``cp -p``, ``rsync -a`` and ``unzip`` make it. An object store knows only when it was given a file."""
    imports = Imports(Staging(f"file://{tmp_path}/staging").base_url)
    imports.upload("homes.csv", HOMES)
    os.utime(f"{imports.url.removeprefix('file://')}/homes.csv", (dated, dated))
    assert [old(imports, -MOMENT), old(imports, MOMENT)] == [0, 1]
