"""Forms that are sent at the same moment, or cut short: one declaration, and its record of consent."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.promises.adapter import METERS

if TYPE_CHECKING:
    from tests.promises.adapter import Document, Town

RECORDS = "com-grandlyon-grdf-consent-record"


def records(town: Town, account: str) -> list[Document]:
    return [each for each in town.documents(RECORDS).values() if each["account"] == account]


def send_at_once(town: Town, account: str, moment: int) -> list[int]:
    """Send four forms with one link: three, one after the other, at this request of the first one's."""
    to = town.link(account)
    first, *others = [town.fill_in(to, town.person(account, pce)) for pce in METERS[:4]]
    answers: list[int] = []
    town.meanwhile(moment, lambda: answers.extend(town.press(to, fields) for fields in others))
    return [town.press(to, first), *answers]


def test_sends_at_once_with_one_link_leave_one_declaration_and_its_record(town: Town) -> None:
    for moment in count():
        account = f"home-{moment}"
        answers = send_at_once(town, account, moment)
        assert 303 in answers, moment
        declared = town.account(account)["declaration"]["pce"]
        assert [record["entered"]["pce"] for record in records(town, account)] == [declared], moment
        if town.planned:
            break
    assert moment > 5, "the sends met"


def test_wherever_a_send_is_cut_short_no_right_is_declared_without_a_record(town: Town) -> None:
    for moment in count(1):
        account, pce = f"home-{moment}", METERS[moment]
        to, fields = town.form(account, town.person(account, pce), link=True)
        town.fault("down", couchdb=True, after=moment - 1, times=99)
        is_sent = town.press(to, fields) == 303
        town.calm()
        if town.account(account):
            town.run(account)
        recorded = {record["entered"]["pce"] for record in records(town, account)}
        assert {right["id_pce"] for right in town.rights(pce)} <= recorded, moment
        if is_sent:
            break
    assert moment > 5
