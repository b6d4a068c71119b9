"""The files of imports: what is left when somebody removes one by hand."""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import BadRequest, RetryLater
from tests.importing.scene import NAME, files, folder, household, names_person, put, puts, run
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(220_000)


@pytest.fixture(autouse=True)
def empty(clean: LocalWorld) -> None:
    for name in files():
        folder().remove(name)
    clean.control.clear_log()


@pytest.fixture
def home() -> dict[str, str]:
    return household(next(_numbers))


def test_a_file_that_was_removed_by_hand_and_uploaded_again(
    clean: LocalWorld, home: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    other = household(next(_numbers))
    put([other, home])
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", status=503)
    with pytest.raises(RetryLater):
        run()
    content = folder().content(NAME)
    assert content
    with pytest.raises(BadRequest, match="not worked off yet"):
        folder().upload(NAME, content)
    folder().remove(NAME)
    with caplog.at_level(logging.INFO), pytest.raises(BadRequest, match=r"there is no file homes\.csv"):
        run()
    assert names_person(caplog.text) == []
    assert folder().upload(NAME, content) == 2
    assert run() == {"connected": 1, "declared": 1}
    assert puts(clean) == 3


@pytest.mark.parametrize("wrong", [False, True])
def test_a_dry_run_is_not_taken_for_the_import(clean: LocalWorld, home: dict[str, str], wrong: bool) -> None:
    put([home | ({"postcode": "1"} if wrong else {})])
    run(dry_run=True)
    folder().remove(NAME)
    with pytest.raises(BadRequest, match="Nothing was done"):
        run()
    assert puts(clean) == 0
    assert document(clean, home["account"]) == {}
