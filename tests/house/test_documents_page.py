"""``docs/documents.md`` is up to date, complete, and matches the documents as they are created."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from include.gas import account
from include.gas.account.document import SECTIONS, ConsentEntry
from include.gas.account.sections.section import Section
from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.published import Period
from include.gas.consents.consent import Consent
from include.gas.documents.billing.periods import merge_period, period_document
from include.gas.documents.doctypes import DOCTYPES
from include.gas.documents.gas_days import day_document, merge_day
from include.gas.documents.shapes import stored_documents as described
from include.gas.documents.shapes import stored_gas
from include.gas.documents.totals import month_documents, year_documents
from include.gas.leaving.approval import Order, approval, with_approval
from include.gas.leaving.deletion_record import (
    audit_entry,
    finished,
    taken_up,
    with_found,
    with_left_alone,
    with_removed,
    with_revoked,
)
from tests import documents_page
from tests.modules import import_all

NOW, LATER = datetime(2024, 4, 2, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)
DAY, PCE = date(2024, 3, 28), "09900000000017"


def test_the_page_is_up_to_date() -> None:
    assert documents_page.main(["--check"]) == 0


def test_every_database_and_every_section_is_on_it() -> None:
    assert documents_page.KINDS.keys() == set(DOCTYPES)
    import_all(account)

    def below(kind: type[Section]) -> set[type[Section]]:
        return {kind} | {each for sub in kind.__subclasses__() for each in below(sub)}

    assert {kind for kind in below(Section) if kind.key} == set(SECTIONS)


def test_every_section_says_who_writes_it() -> None:
    assert all(section.written_by and section.shape for section in SECTIONS)
    assert len({section.key for section in SECTIONS}) == len(SECTIONS)


def day() -> dict[str, Any]:
    first = day_document("a", Reading(DAY, 60, "provisional", "measured"), PCE, NOW)
    return merge_day(first, day_document("a", Reading(DAY, 61, "definitive", "measured"), PCE, LATER)) or {}


def total(kind: Any) -> dict[str, Any]:
    (made,) = kind("a", PCE, [day()]).values()
    return dict(made)


def period() -> dict[str, Any]:
    first = period_document("a", PCE, Period(DAY, date(2024, 4, 28), 900, 11.2, 80.0, "RNO"), NOW)
    return merge_period(first, period_document("a", PCE, Period(DAY, date(2024, 4, 29), 901), LATER)) or {}


ORDER = Order("run-1", "2024-04-02T00:00:00Z", "someone", keep_data=False)
APPROVAL = approval("a", ORDER, plan="x", by="another", at=NOW)


def record() -> dict[str, Any]:
    entry = with_approval(audit_entry("a", "run-1", by="someone", at=NOW, keep_data=False), APPROVAL)
    entry = taken_up(entry, "run-2", by="another", at=LATER, keep_data=False)
    entry = with_left_alone(with_revoked(entry, {"right-1": "revoked"}), {"right-2": "why"})
    entry = with_removed(with_found(entry, {"staged": 1}), {"staged": 1})
    return finished(entry, at=LATER, left={"staged": 0}, tombstones="none") | {"airflow_history": {"removed": {}}}


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        (stored_gas.Day, day()),
        (stored_gas.Total, total(month_documents)),
        (stored_gas.Total, total(year_documents)),
        (stored_gas.Published, period()),
        (described.Approval, APPROVAL),
        (described.DeletionRecord, record()),
        (
            ConsentEntry,
            Consent(
                *(PCE, None, DAY, DAY, DAY, "lost", "x", "y", DAY),
                seen=(("right-1", DAY),),
                accepted=True,
                others=(Consent(PCE, "right-0"),),
            ).as_json(),
        ),
    ],
)
def test_documents_are_made_as_they_are_described(kind: type[msgspec.Struct], made: dict[str, Any]) -> None:
    assert msgspec.convert(made, kind)
    required = {field.encode_name for field in msgspec.structs.fields(kind) if field.required}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({key: value for key, value in made.items() if key not in required}, kind)
