"""An import asks GRDF with each account's own client, and one that cannot be called stops no other's lines."""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from include.gas.errors import CredentialsRefused
from tests.clients.scene import CLIENTS, PARTIES, SOUTH, USUAL, asked_by, document, spend, with_extra
from tests.helpers import context
from tests.importing.scene import LOG, files, household, outcomes, put
from tests.leaving.runs import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(570_000)


def import_of(homes: list[dict[str, str]], name: str = "") -> list[tuple[str, str]]:
    """Import households, and return the outcomes.

    :param name: the file's name; by default one of its own
    """
    from airflow.sdk import DAG

    from grdf.operators.ways_in.import_accounts import ImportAccountsOperator

    name = name or f"{secrets.token_hex(4)}.csv"
    put(homes, name)
    operator = ImportAccountsOperator(task_id="import", dag=DAG("steps", schedule=None))
    operator._cached_logger = LOG  # type: ignore[assignment]  # else Airflow writes to standard output
    params = {"file": name, "dry_run": False, "skip_wrong_lines": False}
    at_hand = context(run_type="manual", run_id=secrets.token_hex(8)) | {"params": params}
    at_hand["dag_run"].triggering_user_name = "an-operator"
    operator.execute(at_hand)  # type: ignore[arg-type]  # the part of the context that is read
    return outcomes(name)


def ended(world: LocalWorld, home: dict[str, str]) -> None:
    """End a household's right, and let the account learn of it."""
    for right in world.control.consents():
        if right["id_pce"] == home["pce"]:
            world.control.revoke(right["id_droit_acces"])
    check()


@pytest.fixture
def former(two: LocalWorld) -> dict[str, str]:
    """A household of the second client whose right has ended."""
    two.control.set(declared_right_state="Active")
    home, other = (household(next(_numbers)) for _ in range(2))
    for each in (home, other):
        two.book.save({"_id": each["account"], "account_type": "grdfgrandlyon", "grdf_connection": SOUTH})
    assert import_of([home, other]) == [(each["account"], "declared") for each in (home, other)]
    ended(two, home)
    return home


def test_whose_an_account_is_is_asked_with_its_own_client(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, former: dict[str, str]
) -> None:
    somebody = former | {"name": "Somebody-Else", "email": "planted-else@example.org"}
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    two.control.clear_log()
    assert import_of([somebody]) == [(former["account"], "refused")]
    assert asked_by(two) == {CLIENTS[SOUTH]}


def test_a_line_of_an_account_of_no_client_is_refused(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, former: dict[str, str]
) -> None:
    somebody = former | {"name": "Somebody-Else", "email": "planted-else@example.org"}
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", USUAL)
    two.control.clear_log()
    assert import_of([somebody]) == [(former["account"], "refused")]
    assert asked_by(two) == set()


def declared(world: LocalWorld, home: dict[str, str]) -> str:
    """Return the client with which a household's right was declared; ``""`` if there is none."""
    companies = {PARTIES[name].company: name for name in (USUAL, SOUTH)}
    found = [right for right in world.control.consents() if right["id_pce"] == home["pce"]]
    return "".join(companies[right["raison_sociale_du_tiers"]] for right in found)


@pytest.mark.parametrize("how", ["refused", "spent"])
def test_lines_of_a_client_that_cannot_be_called_are_put_aside(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """New households belong to the usual client; one in between has an account of the second."""
    _, old, newer = homes = [household(next(_numbers)) for _ in range(3)]
    two.book.save({"_id": old["account"], "account_type": "grdfgrandlyon", "grdf_connection": SOUTH})
    name = f"{secrets.token_hex(4)}.csv"
    with monkeypatch.context() as patch:
        if how == "refused":
            patch.setenv(*with_extra(USUAL, password="a wrong secret"))
        else:
            spend(patch, USUAL)
            patch.setattr("grdf.ledger.room.room_of", lambda _: 5000)
        with pytest.raises(CredentialsRefused if how == "refused" else AirflowRescheduleException):
            import_of(homes, name=name)
        assert [declared(two, home) for home in homes] == ["", SOUTH, ""]
        assert document(two, newer["account"]) == {}
        assert name in files()
    two.control.clear_log()
    monkeypatch.setenv(*with_extra(USUAL, password=PARTIES[USUAL].client_secret))
    assert [said for _, said in import_of(homes, name=name)] == ["declared", "connected", "declared"]
    assert [declared(two, home) for home in homes] == [USUAL, SOUTH, USUAL]
    assert name not in files()


def test_a_client_without_room_does_not_get_what_waits_for_another(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that were put aside count as those of their client, so that the rest goes to the next one."""
    homes = [household(next(_numbers)) for _ in range(4)]
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret", calls_per_day=1000))
    monkeypatch.setattr("grdf.ledger.room.room_of", lambda calls: 2 if calls == 1000 else 5000)
    with pytest.raises(CredentialsRefused):
        import_of(homes)
    assert [declared(two, home) for home in homes] == ["", "", SOUTH, SOUTH]
