"""What is doubtful about a meter's days is said on its account's page, in words, and in what can be taken away."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.status import Reading as Read
from include.gas.account.status import Status
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.storing import load_answer
from tests.page_accounts import Fleet

if TYPE_CHECKING:
    import requests

    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site

ACCOUNT, PCE = "doubted-74520", "09999990745207"
FIRST = date(2025, 1, 1)


@pytest.fixture(scope="module")
def _stored(world: LocalWorld) -> None:
    """Two months, one of which has a load that its volume does not give, and that no household burns."""
    readings = [
        Reading(
            FIRST + timedelta(days=day),
            56,
            "definitive",
            "measured",
            {"volume": 5, "coefficient": 11.2, "index_end": 100 + 5 * day},
        )
        for day in range(59)
    ]
    readings[40] = Reading(FIRST + timedelta(days=40), 9100, "definitive", "measured", readings[40].measures)
    report = load_answer(CouchDBHook(), ACCOUNT, PCE, readings, datetime.now(UTC))
    document = Fleet(date(2026, 1, 1)).account(5) | {"_id": ACCOUNT}
    document["oauth_callback_results"] = {"consents": [{"pce": PCE, "id_accreditation": "a-right-of-745"}]}
    years = {str(year): each for year, each in report.held.items()}
    world.book.save(Status.with_reading(document, PCE, Read(years)))


@pytest.fixture
def visitor(site: Site, _stored: None) -> requests.Session:
    return site.browser("viewer")


def test_the_page_says_which_days_and_why(visitor: requests.Session) -> None:
    html = visitor.get(f"/accounts/{ACCOUNT}?month=2025-02").text
    said = " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
    assert "Doubtful Days: 1 The energy is not the volume times the coefficient." in said
    assert "Days: 1 Far more than the meter uses in winter, or than its contract says." in said
    assert "9,100 kWh, measured, doubtful: not volume times coefficient, doubtful: far too much" in said
    assert 'class="mark"' in html


def test_the_file_has_what_grdf_measured_and_the_doubts(visitor: requests.Session) -> None:
    rows = list(csv.DictReader(StringIO(visitor.get(f"/accounts/{ACCOUNT}/days.csv").text)))
    odd = rows[40]
    assert (odd["kwh"], odd["volume"], odd["coefficient"], odd["index_end"]) == ("9100", "5", "11.2", "300")
    assert [row["doubts"] for row in rows if row["doubts"]] == ["energy jump"]
    (january, february) = csv.DictReader(StringIO(visitor.get(f"/accounts/{ACCOUNT}/months.csv").text))
    assert (january["volume"], january["measured_days"], february["volume_days"]) == ("155", "31", "28")
