"""What a person may leave in the staging store besides files: folders, links, pipes. None of it stays behind."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.staging.area import StagedAnswer, Staging
from include.gas.days.windows import Window
from tests.plugins.staging.proof_samples import GOOD, by_hand

if TYPE_CHECKING:
    pass

PDF = GOOD["application/pdf"]


@pytest.fixture
def proofs(tmp_path: Path) -> Path:
    """The folder with the files of all accounts."""
    return tmp_path / "staging" / "proofs"


@pytest.fixture
def local(tmp_path: Path) -> Staging:
    return Staging(f"file://{tmp_path}/staging")


def test_a_deletion_takes_sub_folders_too(place: Staging) -> None:
    by_hand(place, "home", "1.pdf", PDF)
    by_hand(place, "home/old", "scan Durand-Invente.pdf", PDF)
    by_hand(place, "home/old/older", ".hidden", b"x")
    by_hand(place, "home-2/old", "a", PDF)
    answer = StagedAnswer("09999995000010", Window(date(2026, 6, 1), date(2026, 6, 3)), "2026-06-05T08:00:00+00:00", "")
    place.put("home", "run", [answer])
    assert place.count("home") == 4
    assert place.remove_all("home") == 4
    assert place.count("home") == 0
    assert place.count("home-2") == 1


def test_a_file_that_was_sent_goes_and_its_neighbours_stay(place: Staging) -> None:
    by_hand(place, "home", "1.pdf", PDF)
    by_hand(place, "home/old", "scan.pdf", PDF)
    place.proofs("home").remove("1.pdf")
    assert place.proofs("home").count() == 1


def test_a_sub_folder_is_not_read(place: Staging) -> None:
    by_hand(place, "home", "1.pdf", PDF)
    by_hand(place, "home/durand-invente", "scan.pdf", PDF)
    assert [*place.proofs("home").checked()] == ["1.pdf"]


def test_everything_goes_with_empty_folders_and_links(local: Staging, proofs: Path, tmp_path: Path) -> None:
    (proofs / "home" / "empty").mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.pdf").write_bytes(PDF)
    (proofs / "home" / "to-folder").symlink_to(outside)
    (proofs / "home" / "to-file").symlink_to(outside / "a.pdf")
    (proofs / "home" / "to-nothing").symlink_to(tmp_path / "nothing")
    assert local.count("home") == 3
    assert local.remove_all("home") == 3
    assert not (proofs / "home").exists()
    assert (outside / "a.pdf").read_bytes() == PDF, "what a link leads to is somebody else's"
