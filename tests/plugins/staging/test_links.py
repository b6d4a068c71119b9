"""Folders that are links, or become links at this moment: what they lead to is neither read nor removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from grdf.staging import entries
from grdf.staging.area import Staging
from grdf.staging.files import write_private
from grdf.staging.imports import Imports
from grdf.staging.proof_files import ProofFiles
from include.gas.errors import BadSettings, ProofNotSent
from tests.plugins.staging.proof_samples import GOOD, pdf

PDF, PNG = GOOD["application/pdf"], GOOD["image/png"]
TOMORROW = datetime.now(UTC) + timedelta(days=1)
HOMES = b"pce,name,postcode,email\n09999999900017,Durand-Invente,69001,d@example.org\n"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize(
    "use",
    [
        lambda place: place.names(),
        lambda place: place.results(),
        lambda place: place.read("homes.csv"),
        lambda place: place.store("more.csv", HOMES),
        lambda place: place.keep_progress("homes.csv", "{}"),
        lambda place: place.progress("homes.csv"),
        lambda place: place.remove("homes.csv"),
        lambda place: place.remove_old(TOMORROW),
    ],
)
def test_a_folder_of_imports_that_is_a_link_is_refused(tmp_path: Path, use: Callable[[Imports], Any]) -> None:
    foreign = tmp_path / "somebody"
    foreign.mkdir()
    (foreign / "homes.csv").write_bytes(HOMES)
    (foreign / "thesis.txt").write_bytes(b"years of work")
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "import").symlink_to(foreign)
    before = contents(foreign)
    with pytest.raises(BadSettings, match=r"staging/import is a link to another folder.*Make it a folder of its own"):
        use(Imports(f"file://{tmp_path}/staging"))
    assert contents(foreign) == before


@pytest.mark.parametrize(
    "use",
    [
        lambda place: place.read("home"),
        lambda place: place.put("home", PDF),
        lambda place: place.put_all("home", [PDF]),
        lambda place: place.names(),
        lambda place: place.count("home"),
        lambda place: place.remove("home"),
        lambda place: place.remove("home", only={"0" * 32}),
        lambda place: place.remove_older("home", "2100-01-01T00:00:00Z"),
    ],
)
def test_a_folder_of_proofs_that_is_a_link_is_refused(tmp_path: Path, use: Callable[[ProofFiles], Any]) -> None:
    foreign = tmp_path / "somebody"
    (foreign / "home").mkdir(parents=True)
    (foreign / "home" / "a.png").write_bytes(PNG)
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "proofs").symlink_to(foreign)
    before = contents(foreign)
    with pytest.raises(BadSettings, match="staging/proofs is a link to another folder"):
        use(Staging(f"file://{tmp_path}/staging").proofs)
    assert contents(foreign) == before


def test_the_place_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "staging").symlink_to(tmp_path / "disk")
    place = Staging(f"file://{tmp_path}/staging").proofs
    place.put("home", PDF)
    assert [each.kind for each in place.read("home")] == ["application/pdf"]
    imports = Imports(f"file://{tmp_path}/staging")
    imports.store("homes.csv", HOMES)
    assert imports.remove_old(TOMORROW) == 1


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The folder of an account, beside that of another one."""
    folders = [tmp_path / "staging" / "proofs" / each for each in ("mine", "other")]
    for folder, content in zip(folders, (PNG, pdf(3)), strict=True):
        folder.mkdir(parents=True)
        (folder / "a.png").write_bytes(content)
    return folders[0]


@pytest.mark.parametrize(
    "use",
    [
        lambda place: place.read("mine"),
        lambda place: place.remove_older("mine", "2100-01-01T00:00:00Z"),
        lambda place: place.put("mine", PDF),
    ],
)
def test_a_folder_that_becomes_a_link_to_another_account_s_is_not_followed(
    tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[ProofFiles], Any]
) -> None:
    real, other = entries.listed, mine.with_name("other")

    def listed(folder: Any) -> Any:
        found = real(folder)
        if not mine.is_symlink():
            mine.rename(tmp_path / "aside")
            mine.symlink_to(other)
        return found

    monkeypatch.setattr(entries, "listed", listed)
    before = contents(other)
    with pytest.raises((ProofNotSent, BadSettings)) as refused:
        use(Staging(f"file://{tmp_path}/staging").proofs)
    assert "link" in str(refused.value) or "Not a directory" in str(refused.value)
    assert contents(other) == before


def test_a_sub_folder_that_becomes_a_link_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    foreign, place = tmp_path / "somebody", Staging(f"file://{tmp_path}/staging").proofs
    sub = tmp_path / "staging" / "proofs" / "home" / "sub"
    for folder in (foreign, sub):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_bytes(b"x")
    unlink = os.unlink

    def swapped(path: Any, **more: Any) -> None:
        if sub.is_dir() and not sub.is_symlink():
            sub.rename(tmp_path / "aside")
            sub.symlink_to(foreign)
        unlink(path, **more)

    monkeypatch.setattr(os, "unlink", swapped)
    place.remove("home")
    monkeypatch.undo()
    assert contents(foreign) == {"a.txt": b"x"}


def test_only_kinds_of_files_that_imports_have_grow_old(tmp_path: Path) -> None:
    imports, folder = Imports(f"file://{tmp_path}"), tmp_path / "import"
    imports.store("homes.csv", HOMES)
    imports.keep_progress("homes.csv", "{}")
    imports.keep_result("homes.csv", "line,account\n")
    imports.begun_with("run-1", "hash")
    own = {each.name for each in folder.iterdir()}
    own |= {".homes.csv.0123abcd", ".homes.csv.progress.0123abcd", f".{min(own)}.0123abcd", "Foyers rhône.CSV"}
    foreign = {"thesis.txt", ".ssh-key", "homes.csv.bak", ".hidden.csv"}
    for name in (*own, *foreign):
        (folder / name).write_bytes(b"x")
    assert len(own) == 8
    assert imports.remove_old(TOMORROW) == len(own)
    assert {each.name for each in folder.iterdir()} == foreign


def test_a_draft_is_moved_within_the_folder_in_which_it_was_made(tmp_path: Path) -> None:
    (tmp_path / "aside").mkdir()
    (tmp_path / "own").symlink_to(tmp_path / "aside")
    with pytest.raises(OSError, match=r"Not a directory|symbolic link"):
        write_private(tmp_path / "own" / "file", "text", own=1)
    assert contents(tmp_path / "aside") == {}
    write_private(tmp_path / "own" / "file", "text")
    assert contents(tmp_path / "aside") == {"file": b"text"}
