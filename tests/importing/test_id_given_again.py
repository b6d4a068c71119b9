"""An account's id is given to another household while GRDF is asked for the right of the one that was deleted."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.sections.rights.declaration import PERSON
from tests.importing.meanwhile import UnderWay, connect, delete_unseen
from tests.importing.scene import household, names_person, outcomes
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")
OTHER = household(260_000)


def give(world: LocalWorld, account: str, home: dict[str, str]) -> dict[str, Any]:
    """Store what a household gave to be declared, and return its account."""
    given = {key: each for key, each in home.items() if key in (*PERSON, "pce")}
    world.book.save({"_id": account, "account_type": "grdfgrandlyon", "declaration": given})
    return document(world, account)


@pytest.mark.parametrize("removed", ["deleted", "by hand"])
@pytest.mark.parametrize(
    "way",
    [lambda world, account: connect(world, account, OTHER["pce"]), lambda world, account: give(world, account, OTHER)],
)
def test_a_late_answer_is_not_written_to_another_household(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor,
    caplog: pytest.LogCaptureFixture, way: Any, removed: str,
) -> None:  # fmt: skip
    account = home["account"]
    with monkeypatch.context() as patch, caplog.at_level(logging.DEBUG):
        under_way = UnderWay(patch, pool, home)
        if removed == "deleted":
            delete_unseen(clean, account, patch)
        else:
            clean.book.remove(account)
        others = way(clean, account)
        assert under_way.end() == {"refused": 1}
    assert outcomes() == [(account, "refused")]
    assert document(clean, account) == others
    (right,) = [each["id_droit_acces"] for each in clean.control.consents() if each["id_pce"] == home["pce"]]
    assert f"Account {account}: it was deleted while GRDF was asked for its right" in caplog.text
    assert removed == "deleted" or f"Ask GRDF to revoke right {right}" in caplog.text
    assert names_person(caplog.text) == []
