"""Promise 8: at most one declaration stands per household and meter, and no right in force is without an account."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.promises.adapter import METERS, PUT, RIGHTS, Town

PCE, OTHER = METERS[0], METERS[1]
STANDS = ("Active", "A valider", "A revérifier")


def declared(town: Town, pce: str = PCE) -> int:
    return sum(right["etat_droit_acces"] in STANDS for right in town.rights(pce))


def accepted_and_read(town: Town, account: str) -> None:
    assert declared(town) == 1
    town.answer(PCE)
    first = town.ago(15)
    town.mornings(2)
    assert town.state(account) == ""
    assert town.wrong(account, PCE, first) == []
    assert declared(town) == 1


@pytest.mark.parametrize("way", ["document", "form", "link", "import"])
@pytest.mark.parametrize("fault", ["lost", 503])
def test_an_answer_that_is_lost(town: Town, way: str, fault: object) -> None:
    town.fault(fault, **PUT)
    town.fault("twice", **PUT, times=99)
    town.declare("alder", PCE, way, first=town.ago(20))
    town.first_runs()
    town.pass_(minutes=20)
    town.run("alder")
    accepted_and_read(town, "alder")


def test_a_process_that_dies_at_any_request(town: Town) -> None:
    """An import: ``test_run_during_import``."""
    number = 0
    town.fault("twice", **PUT, times=999)
    for number in range(1, 60, 3):
        pce, account = METERS[number], f"home-{number}"
        town.declare(account, pce, run=False, first=town.ago(20))
        town.kill_at(number)
        died = town.run(account, tries=1).state == "killed"
        town.kill_at(0)
        town.first_runs()
        town.run(account)
        assert declared(town, pce) == 1, number
        if not died:
            break
    assert number > 6, "it has died several times"
    for right in town.rights():
        town.answer(right["id_pce"])
    first = town.ago(15)
    town.mornings(2)
    for account in town.documents("io-cozy-accounts"):
        assert town.wrong(account, METERS[int(account.partition("-")[2])], first) == [], account


@pytest.mark.parametrize("link", [False, True], ids=["form", "link"])
def test_a_form_that_is_sent_twice(town: Town, link: bool) -> None:
    given = town.person("alder", PCE, first=town.ago(20))
    to, fields = town.form("alder", given, link=link)
    town.fault("twice", **PUT, times=99)
    assert town.press(to, fields) == 303
    assert town.press(to, fields) == 303, "the page that follows is shown again"
    town.first_runs()
    accepted_and_read(town, "alder")
    town.press(to, fields)
    assert declared(town) == 1


@pytest.mark.parametrize("other", ["tab", "import"])
def test_a_form_that_is_sent_while_something_else_declares(new_town: Callable[..., Town], other: str) -> None:
    for after in range(0, 24, 4):
        town = new_town()
        given = town.person("alder", PCE, first=town.ago(20))
        one, two = town.form("alder", given), town.form("alder", given)
        town.fault("twice", **PUT, times=99)
        row = {"account": "alder", **given}
        also = partial(town.press, *two) if other == "tab" else partial(town.import_, row)
        town.meanwhile(after, also)
        town.press(*one)
        town.first_runs()
        accepted_and_read(town, "alder")


@pytest.mark.parametrize("several", [False, True], ids=["one", "GRDF takes several"])
def test_an_account_that_is_restored_declares_no_second_right(town: Town, several: bool) -> None:
    town.declare("alder", PCE, run=False, first=town.ago(20))
    backup = town.backup()
    town.first_runs()
    if several:
        town.fault("twice", **PUT, times=99)
    for _ in range(2):
        town.restore(backup)
        town.run("alder")
        accepted_and_read(town, "alder")


def test_a_refusal_leaves_nothing_and_a_corrected_form_is_sent(town: Town) -> None:
    wrong = town.person("alder", PCE, first=town.ago(20)) | {"postcode": "69999"}
    assert town.send_form("alder", wrong) == 303
    town.first_runs()
    assert (declared(town), town.progress("alder")["state"]) == (0, "correct")
    assert town.declare("alder", PCE, "form", first=town.ago(20)) == 303
    town.look()
    accepted_and_read(town, "alder")


@pytest.mark.parametrize("what", ["email", "name", "postcode", "first", "pce"])
def test_a_line_of_an_import_is_corrected_after_an_outage(town: Town, what: str) -> None:
    given = {"account": "alder", **town.person("alder", PCE, first=town.ago(20))}
    typo = {"email": "typo@example.org", "name": "Somebody Else", "postcode": "29999", "first": str(town.ago(3))}
    town.fault(503, **PUT, times=10**6)
    town.import_(given | {what: OTHER if what == "pce" else typo[what]}, tries=2)
    town.calm()
    _, outcomes = town.import_(given, name="again.csv")
    assert outcomes == {"alder": "declared"}
    (right,) = town.rights(PCE)
    assert (right["courriel_titulaire"], right["perim_donnees_conso_debut"]) == (given["email"], given["first"])
    assert town.rights(OTHER) == []


@pytest.mark.parametrize("after", range(2, 20))
def test_whatever_couchdb_does_not_answer_a_declared_right_has_its_record(town: Town, after: int) -> None:
    to, fields = town.form("alder", town.person("alder", PCE, first=town.ago(20)))
    town.fault("lost", after=after, couchdb=True)
    town.press(to, fields)
    town.first_runs()
    assert len(town.documents("com-grandlyon-grdf-consent-record")) >= declared(town)


def test_an_account_s_page_says_who_entered_a_declaration(town: Town) -> None:
    for number, (way, who) in enumerate(
        {"link": "a visitor with the household’s link", "form": "operator", "import": "import "}.items()
    ):
        account = f"home-{way}"
        town.declare(account, METERS[number], way)
        page = " ".join(town.account_page(account).split())
        assert f"Holder and address entered by {who}" in page
        assert f"{account}@example.org" not in page


@pytest.mark.parametrize(
    "page", [b"<html>502</html>", b"", b"[]", b"{}"], ids=["HTML", "nothing", "a list", "an object"]
)
def test_an_answer_that_names_no_right_is_no_acceptance(town: Town, page: bytes) -> None:
    def answer(_: bytes) -> bytes:  # a machine before GRDF's has answered: there is no right
        for right in town.rights(PCE):
            town.change_right(right["id_droit_acces"], etat_droit_acces="Obsolète")
        return page

    town.fault(answer, **PUT, times=99)
    town.declare("alder", PCE, "form", first=town.ago(20), run=False)
    ended = town.run("alder", tries=1)
    assert (ended.state, "names no right" in ended.text) == ("failed", True)
    assert not town.documents(RIGHTS)[PCE]["rights"], "nothing waits for an answer"
    town.calm()
    assert town.run("alder").well
    accepted_and_read(town, "alder")
