"""An account's id is given to another household while GRDF is asked for the right of the one that was deleted."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from grdf.consents.declarations.declaring import Declaring
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.sections.rights.declaration import PERSON
from include.gas.errors import BadAccount, DeclarationRefused, RetryLater, StoreBusy
from tests.helpers import adict_hook
from tests.importing.meanwhile import UnderWay, connect, delete_unseen, states
from tests.importing.scene import household, names_person, outcomes, put, run
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


def test_a_lost_answer_leaves_another_household_alone(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    account = home["account"]
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    with monkeypatch.context() as patch:
        under_way = UnderWay(patch, pool, home)
        delete_unseen(clean, account, patch)
        others = give(clean, account, OTHER)
        assert under_way.end() == {"refused": 1}
    assert document(clean, account) == others
    assert states(clean, home) == ["A valider"]


def test_a_refusal_is_not_told_to_another_household(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    account = home["account"]
    give(clean, account, home | {"postcode": "75001"})
    declare = AdictHook.declare

    def meanwhile(hook: AdictHook, *args: Any, **more: Any) -> Any:
        clean.book.remove(account)
        others.append(give(clean, account, OTHER))
        return declare(hook, *args, **more)

    others: list[dict[str, Any]] = []
    monkeypatch.setattr(AdictHook, "declare", meanwhile)
    with pytest.raises(DeclarationRefused):
        Declaring(CouchDBHook(), adict_hook(), account).declare()
    assert [document(clean, account)] == others


@pytest.mark.parametrize("step", ["declare", "take_up_known"])
def test_what_a_list_shows_late_is_not_written_to_another_household(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The answer was lost. Before the next try has read GRDF's list, the account is another household's."""
    account = home["account"]
    put([home])
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        run()
    ask, others = AdictHook.listed_rights, list[dict[str, Any]]()

    def meanwhile(hook: AdictHook, *args: Any, **more: Any) -> Any:
        listed = ask(hook, *args, **more)
        if not others:
            clean.book.remove(account)
            others.append(connect(clean, account, OTHER["pce"]))
        return listed

    monkeypatch.setattr(AdictHook, "listed_rights", meanwhile)
    with pytest.raises((StoreBusy, BadAccount)):
        getattr(Declaring(CouchDBHook(), adict_hook(), account), step)()
    assert [document(clean, account)] == others


def test_a_renewal_is_found_though_a_list_shows_the_former_right_meanwhile(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    """What was sent is not forgotten for a right that existed before."""
    from tests.leaving.runs import check

    account = home["account"]
    clean.control.set(declared_right_state="Active")
    put([home])
    run()
    check()
    assert "declarations_sent" not in document(clean, account)
    (right,) = [each["id_droit_acces"] for each in clean.control.consents() if each["id_pce"] == home["pce"]]
    clean.control.revoke(right)
    stored = document(clean, account)
    stored["declaration"] = give(clean, "renewed", home)["declaration"]
    clean.book.remove("renewed")
    clean.book.save(stored)
    declare = AdictHook.declare

    def meanwhile(hook: AdictHook, *args: Any, **more: Any) -> Any:
        check()
        return declare(hook, *args, **more)

    monkeypatch.setattr(AdictHook, "declare", meanwhile)
    made = Declaring(CouchDBHook(), adict_hook(), account).declare()
    assert made.id != right
    assert document(clean, account)["oauth_callback_results"]["consents"][0]["id_accreditation"] == made.id
