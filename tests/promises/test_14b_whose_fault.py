"""Promise 14b: a bug of ours is red with its traceback, after all others were served, and called no odd document."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.promises.adapter import ACCOUNTS, METERS, RIGHTS, Document, Ended, Town
from tests.promises.adapter.runs import EAR

HOMES = {"alder": METERS[0], "birch": METERS[1], "cedar": METERS[2]}


def said(ended: Ended) -> str:
    return "\n".join([*EAR.lines, ended.text])


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a bug into a function of ours that is called with an account, or its document."""

    def put(where: str, *accounts: str) -> None:
        module, _, name = where.rpartition(".")
        good = getattr(__import__(module, fromlist=[name]), name)

        def broken(given: Any, *args: Any, **more: Any) -> Any:
            account = more.get("account") or (given["_id"] if isinstance(given, dict) else given)
            if account in accounts:
                return good.no_such_part + given
            return good(given, *args, **more)

        monkeypatch.setattr(where, broken)

    return put


SETTLED = "grdf.ledger.rights_ledger.settle_account"


def check_red(ended: Ended, account: str) -> None:
    assert ended.state == "failed"
    assert account in ended.text
    assert "bug" in ended.text
    assert "in broken" in said(ended), "where it was raised"
    assert "AttributeError" in said(ended)
    assert "another program" not in said(ended)
    assert not any(pce in said(ended) for pce in HOMES.values())


def test_the_morning_check(town: Town, bug: Callable[..., None]) -> None:
    rights = {account: town.connect(account, pce, back=20) for account, pce in HOMES.items()}
    town.mornings()
    town.revoke(*rights["alder"], *rights["cedar"])
    EAR.lines.clear()
    bug(SETTLED, "birch")
    check_red(town.check(), "birch")
    assert {account: bool(town.state(account)) for account in HOMES} == {"alder": True, "birch": False, "cedar": True}


def test_the_morning_check_of_all_accounts(town: Town, bug: Callable[..., None]) -> None:
    for account, pce in HOMES.items():
        town.connect(account, pce, back=20)
    EAR.lines.clear()
    bug(SETTLED, *HOMES)
    ended = town.check()
    check_red(ended, "alder")
    assert all(f"Account {account}: a bug" in said(ended) for account in HOMES)


def test_the_look_for_answers(town: Town, bug: Callable[..., None]) -> None:
    for account, pce in HOMES.items():
        town.declare(account, pce, first=town.ago(20))
        town.answer(pce)
    EAR.lines.clear()
    bug(SETTLED, "birch")
    check_red(town.look(), "birch")
    town.mornings()
    assert {account for account, pce in HOMES.items() if town.days(account, pce)} == {"alder", "cedar"}


def test_the_published_data(town: Town, bug: Callable[..., None]) -> None:
    for account, pce in HOMES.items():
        town.connect(account, pce, back=90)
    EAR.lines.clear()
    bug("grdf.operators.read_published.parse_contract", "birch")
    check_red(town.run_dag("grdf_published", "scheduled"), "birch")
    assert {account for account in HOMES if "billing" in town.account(account)["status"]} == {"alder", "cedar"}


def test_an_import(town: Town, bug: Callable[..., None]) -> None:
    EAR.lines.clear()
    bug(SETTLED, "birch")
    ended, outcomes = town.import_(
        *({"account": account, **town.person(account, pce)} for account, pce in HOMES.items())
    )
    check_red(ended, "birch")
    assert outcomes == {"alder": "declared", "birch": "to declare", "cedar": "declared"}


def test_rights_without_an_account(town: Town, bug: Callable[..., None]) -> None:
    ids = {right: pce for pce in HOMES.values() for right in town.agree(pce, pce)[1]}
    town.check()
    town.pass_(hours=2)
    names = [f"right-{right}" for right in ids]
    EAR.lines.clear()
    bug(SETTLED, names[1])
    check_red(town.adopt(), names[1])
    assert {*town.documents(ACCOUNTS)} == {names[0], names[2]}


def test_a_reading_of_the_past(town: Town, bug: Callable[..., None]) -> None:
    for account, pce in HOMES.items():
        town.connect(account, pce, back=20)
    EAR.lines.clear()
    bug("include.gas.account.account.meters_in", "birch")
    ended = town.history(town.ago(9), town.ago(5))
    assert ended.state == "failed"
    assert ended.result["announce"]["accounts"] == 2, "the others"


NONSENSE: tuple[Any, ...] = (None, [], [3], 3, -0.5, 10**30, True, "text", "", {}, {"a": {"b": [1]}}, {"by": []})
HISTORY = {"from": "2026-04-10", "to": "2026-04-14", "include_definitive": False}
Way = tuple[Any, ...]


def ways_into(value: object, way: Way = ()) -> Iterator[Way]:
    """Yield the ways to a document's parts, down to its leaves."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*way, key)
        yield from ways_into(inner, (*way, key))


def damaged(whole: Document, section: str) -> Iterator[Document]:
    """Yield a document with each part of a section replaced by nonsense."""
    for way in ways_into(whole[section], (section,)):
        yield from replaced(whole, way)
    yield from replaced(whole, (section,))


def replaced(whole: Document, way: Way) -> Iterator[Document]:
    for nonsense in NONSENSE:
        document = copy.deepcopy(whole)
        inner: Any = document
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = nonsense
        yield document


def serve_all(town: Town) -> None:
    """Let each DAG go over all accounts. Whatever is odd in one is that account's."""
    EAR.lines.clear()
    ended = {
        "check": town.check(),
        "look": town.look(),
        "published": town.run_dag("grdf_published", "scheduled"),
        "adopt": town.adopt(),
        "history": town.run_dag("grdf_history", params=HISTORY | {"accounts": [*HOMES]}),
    }
    for name, each in ended.items():
        assert each.well, (name, each.text)
    assert "bug" not in "\n".join(EAR.lines)


@pytest.fixture
def whole(town: Town) -> Document:
    """An account's document with all that may be in one."""
    for account, pce in HOMES.items():
        town.connect(account, pce, back=20)
    town.mornings(2, published=True)
    town.declare("dogwood", METERS[3], first=town.ago(20))
    document = town.account("alder") | {
        "declaration": town.account("dogwood")["declaration"],
        "oauth": {"nonce": "nonce", "redirect_uri": "https://cozy.example"},
        "grdf_connection": "grdf_adict",
        "state": "VENDOR_DOWN", "state_message": "GRDF is down.", "state_since": "2026-04-20T00:00:00.000000Z",
        "state_partial": True,
        "connected": {"at": "2026-04-20T00:00:00.000000Z", "by": "operator", "link": "l"},
        "silence_known": {"at": "2026-04-20T00:00:00.000000Z", "by": "operator"},
    }  # fmt: skip
    return {key: value for key, value in document.items() if key not in ("_id", "_rev")}


@pytest.mark.parametrize(
    "section",
    [
        "oauth", "oauth_callback_results", "declaration", "status", "state", "state_message", "state_since",
        "state_partial", "connected", "silence_known", "grdf_connection", "name",
    ],
)  # fmt: skip
def test_a_damaged_account_document(town: Town, whole: Document, section: str) -> None:
    for number, document in enumerate(damaged(whole, section)):
        town.put(f"odd-{number:04}", document)
    town.revoke(*(right["id_droit_acces"] for right in town.rights(HOMES["cedar"])))
    serve_all(town)
    assert {account: bool(town.state(account)) for account in HOMES} == {"alder": False, "birch": False, "cedar": True}
    assert town.wrong("birch", HOMES["birch"], town.ago(20)) == []


@pytest.mark.parametrize(
    ("section", "nonsense"),
    [
        ("oauth", [3]), ("oauth_callback_results", "text"), ("oauth_callback_results", {"consents": 3}),
        ("oauth_callback_results", {"consents": [None]}), ("oauth_callback_results", {"pce_id": [1]}),
    ],
)  # fmt: skip
def test_the_check_names_a_damaged_account_document(town: Town, whole: Document, section: str, nonsense: Any) -> None:
    town.put("odd", whole | {section: nonsense})
    serve_all(town)
    (line,) = {line for line in EAR.lines if "Account odd is left unchanged" in line}
    assert "Correct or remove the account's document" in line


@pytest.mark.parametrize("pce", [METERS[0], METERS[3]], ids=["in force", "waiting"])
@pytest.mark.usefixtures("whole")
def test_a_damaged_document_of_a_meter(town: Town, pce: str) -> None:
    good = {key: part for key, part in town.documents(RIGHTS)[pce].items() if not key.startswith("_")}
    for way in ways_into(good):
        for document in replaced(good, way):
            town.couch.databases[RIGHTS][pce] = {**town.couch.databases[RIGHTS][pce], **document}
            EAR.lines.clear()
            assert town.check().well, (way, document)
            assert town.look().well, (way, document)
            assert "bug" not in "\n".join(EAR.lines), (way, document)
