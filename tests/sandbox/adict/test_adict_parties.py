"""Two third parties: each has its own rights and quota, and neither sees what the other has."""

from __future__ import annotations

from typing import Any

import pytest

from include.sandbox.adict.identity import FIRST, SECOND, Party
from tests.sandbox.conftest import listing

PCE = "09999990471101"


def token(adict: Any, party: Party, *, revokes: bool = False) -> str:
    client = (party.delete_client_id, party.delete_client_secret) if revokes else (party.client_id, party.client_secret)
    fields = {"grant_type": "client_credentials", "scope": "/adict/v2"}
    answer = adict.post_token(**fields, client_id=client[0], client_secret=client[1])
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"].endswith(party.company)
    return str(answer.json()["access_token"])


@pytest.fixture
def right(adict: Any) -> str:
    """A right of the second party."""
    adict.control.drop_consents()
    (made,) = adict.control.consent([PCE], company=SECOND.company)
    return str(made["id_droit_acces"])


def test_each_lists_and_reads_its_own(adict: Any, right: str) -> None:
    (other,) = adict.control.consent([PCE])
    ids = {}
    for party in (FIRST, SECOND):
        its = token(adict, party)
        whole = listing(adict.call("GET", "/droits_acces", its))
        asked = listing(adict.call("POST", "/droits_acces", its, json={"id_pce": [PCE]}))
        assert whole == asked
        ids[party.company] = [each["id_droit_acces"] for each in whole]
    assert ids == {FIRST.company: [other["id_droit_acces"]], SECOND.company: [right]}
    adict.control.revoke(other["id_droit_acces"])
    codes = [adict.daily(PCE, "2026-06-01", "2026-06-02", token(adict, party)).text for party in (FIRST, SECOND)]
    assert "1000014" in codes[0]
    assert '"energie"' in codes[1]


def test_only_its_own_client_revokes_or_proves_a_right(adict: Any, right: str) -> None:
    assert adict.call("PATCH", f"/droit_acces/{right}", token(adict, FIRST, revokes=True)).status_code == 404
    files = {"preuves": ("a.pdf", b"%PDF-1.4", "application/pdf")}
    assert adict.call("PUT", f"/droit_acces/{right}/preuves", token(adict, FIRST), files=files).status_code == 404
    assert adict.call("PATCH", f"/droit_acces/{right}", token(adict, SECOND)).status_code == 403
    assert adict.call("PATCH", f"/droit_acces/{right}", token(adict, SECOND, revokes=True)).status_code == 200
