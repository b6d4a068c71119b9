"""Files for GRDF: what is taken is told by their content, and an account's files go with it."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest

from grdf.staging.area import StagedAnswer, Staging
from include.gas.days.windows import Window
from include.gas.errors import ProofNotSent
from include.gas.proof.proof_file import MOST_BYTES, NotAProof, checked
from tests.plugins.staging.proof_samples import GOOD, by_hand, pdf, picture

BAD = {
    "is larger than 4 MB": pdf() + b" " * MOST_BYTES,
    "is neither a PDF nor a PNG nor a JPEG file": picture("GIF"),
    "is neither a PDF nor a PNG nor a JPEG": b"<html><script>alert(1)</script></html>",
    "is neither a PDF nor a PNG": b"PK\x03\x04 a document",
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_grdf_takes(kind: str) -> None:
    assert checked(GOOD[kind]).kind == kind
    assert checked(GOOD[kind]).content == GOOD[kind]
    assert GOOD[kind].hex() not in repr(checked(GOOD[kind])), "a content is not in its text"


@pytest.mark.parametrize("why", BAD)
def test_what_it_does_not(why: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotAProof, match=why):
        checked(BAD[why])
    assert "Durand" not in caplog.text


def test_files_are_read_in_the_order_of_their_names_and_removed(place: Staging) -> None:
    assert place.proofs("home").checked() == {}
    by_hand(place, "home", "b scan of M. Durand-Invente.jpeg", GOOD["image/png"])
    by_hand(place, "home", "a.txt", GOOD["application/pdf"])
    by_hand(place, "home", ".DS_Store", b"of a file manager")
    by_hand(place, "home-2", "a", GOOD["image/jpeg"])
    assert [file.kind for file in place.proofs("home").checked().values()] == ["application/pdf", "image/png"]
    assert place.count("home") == 3
    place.proofs("home").remove("a.txt", "of nobody")
    assert place.proofs("home").remove_all() == 2
    assert place.count("home") == 0
    assert place.count("home-2") == 1


def test_a_page_puts_a_checked_file_with_one_call(place: Staging) -> None:
    for content in GOOD.values():
        place.proofs("home").put(checked(content))
    assert [file.content for file in place.proofs("home").checked().values()] == list(GOOD.values()), "as they arrived"


def test_a_deletion_takes_everything(place: Staging) -> None:
    answer = StagedAnswer("09999995000010", Window(date(2026, 6, 1), date(2026, 6, 3)), "2026-06-05T08:00:00+00:00", "")
    place.put("home", "run", [answer])
    place.proofs("home").put(checked(GOOD["application/pdf"]))
    place.proofs("proofs").put(checked(GOOD["application/pdf"]))
    place.put("proofs", "run", [answer])  # an account of that name is like any other
    assert place.count("home") == 2
    assert place.remove_all("home") == 2
    assert place.count("home") == 0
    assert place.count("proofs") == 2
    assert len(place.proofs("proofs").checked()) == 1
    assert place.remove_all("proofs") == 2


def test_a_refusal_names_the_file_by_its_place(place: Staging) -> None:
    by_hand(place, "home", "a.pdf", GOOD["application/pdf"])
    by_hand(place, "home", "durand-invente.pdf", b"no PDF")
    with pytest.raises(ProofNotSent) as refused:
        place.proofs("home").checked()
    said = str(refused.value)
    assert said.startswith("Account home: file 2 of 2 in proofs/home")
    assert "by name, is neither a PDF nor a PNG nor a JPEG file. Nothing was sent. Replace or remove it" in said
    assert "durand" not in said
    by_hand(place, "home", "durand-invente.pdf", b"x" * (MOST_BYTES + 1))
    with pytest.raises(ProofNotSent, match=r"file 2 of 2 .* is larger than 4 MB"):
        place.proofs("home").checked()


def test_files_that_a_page_puts_are_private(tmp_path: Path) -> None:
    place = Staging(f"file://{tmp_path}/staging")
    place.proofs("home").put(checked(GOOD["image/png"]))
    (file,) = (tmp_path / "staging" / "proofs" / "home").iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent, file.parent.parent)] == [
        0o600, 0o700, 0o700
    ]  # fmt: skip
    place.proofs("home").remove_all()
    assert not file.parent.exists()
