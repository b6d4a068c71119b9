"""Staging: private, whole or not at all, one account's own, gone after use."""

from __future__ import annotations

import os
import secrets
import stat
import time
from pathlib import Path

import pytest

from grdf import staging as module
from grdf.files import write_private
from grdf.staging import StagedAnswer, Staging
from include.gas.errors import BadSettings, FailNow

ANSWER = StagedAnswer(
    "09999995000010", "2026-06-01", "2026-06-03", "2026-06-05T08:00:00+00:00", '{"é": 1}\n{"b"', "2024-01-01"
)


@pytest.fixture(params=["file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Staging:
    """A local folder, and an object store that is not one (fsspec's own in memory)."""
    return Staging(
        f"file://{tmp_path}/staging" if request.param == "file" else f"memory://{secrets.token_hex(4)}/staging"
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def local(reference: str) -> Path:
    return Path(reference.removeprefix("file://"))


def test_what_is_put_is_given_and_removed(place: Staging) -> None:
    answers = [ANSWER, StagedAnswer("GI999042", "2026-06-01", "2026-06-03", "2026-06-05T08:00:00+00:00", "")]
    reference = place.put("home", "scheduled__2026-06-01T04:00:00+00:00", answers)
    assert place.get("home", reference) == answers
    assert place.get("home", reference)[0].window.first.isoformat() == "2026-06-01"
    place.remove(reference)
    place.remove(reference)  # once more is fine
    with pytest.raises(FailNow, match=r"home.*gone.*extract"):
        place.get("home", reference)


def test_a_second_try_replaces_the_first(place: Staging) -> None:
    first = place.put("home", "run", [])
    assert place.put("home", "run", [ANSWER]) == first
    assert place.get("home", first) == [ANSWER]
    assert place.put("home", "another run", []) != first


def test_another_account_s_answers_are_not_given(place: Staging) -> None:
    reference = place.put("home", "run", [ANSWER])
    place.put("other", "run", [ANSWER])
    name = reference.rpartition("/")[2]
    for account, asked in [
        ("other", reference),
        ("hom", reference),
        ("other", f"{place.base_url}/other/../home/{name}"),
        ("other", f"{place.base_url}/other/./../home/{name}"),
        ("home", "file:///etc/passwd"),
        ("home", ""),
    ]:
        with pytest.raises(FailNow, match=account):
            place.get(account, asked)


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


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)  # such as /tmp
    Staging(f"file://{shared}").put("home", "run", [ANSWER])
    assert mode(shared) == 0o1777


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


def test_files_of_failed_runs_go_after_a_week(tmp_path: Path) -> None:
    place = Staging(f"file://{tmp_path}/staging")
    old, young, other = (
        local(place.put(account, run, [ANSWER])) for account, run in [("home", "1"), ("home", "2"), ("other", "1")]
    )
    past = time.time() - module.KEEP_SECONDS
    for file, age in [(old, past - 60), (young, past + 60), (other, past - 60)]:
        os.utime(file, (age, age))
    place.put("home", "3", [ANSWER])
    assert (old.exists(), young.exists()) == (False, True)
    assert other.exists(), "another account's run sees to it"


def test_a_file_that_goes_while_others_are_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Staging(f"file://{tmp_path}/staging")
    first = local(place.put("home", "1", [ANSWER]))
    listed = Path.iterdir

    def gone(self: Path) -> list[Path]:  # a run of a backfill removes its file at this very moment
        files = list(listed(self))
        return [*files, first.with_name("just-removed.json")]

    monkeypatch.setattr(Path, "iterdir", gone)
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    assert place.put("home", "2", [ANSWER])
