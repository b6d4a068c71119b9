"""A user who may only read one account's DAG sees that account only. FAB can grant such a right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.connect.site import FabSite

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OWN, OTHER = FabSite.OWN, "somebody-elses"
VIEWS = ("/accounts/{}", "/accounts/{}/published", "/accounts/{}/days.csv")


@pytest.fixture(scope="module")
def shared(fab_site: FabSite, world: LocalWorld) -> Iterator[FabSite]:
    """The site, with two accounts."""
    for account in (OWN, OTHER):
        told = {"pce_id": "09900000000017", "consents": [{"pce": "09900000000017", "id_accreditation": "u-1"}]}
        document = {"_id": account, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": told}
        world.book.save(document)
    yield fab_site
    for account in (OWN, OTHER):
        world.book.remove(account)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("who", "account", "allowed"),
    [("neighbour", OWN, True), ("neighbour", OTHER, False), ("stranger", OWN, False), ("viewer", OTHER, True)],
)
def test_each_view_of_an_account_asks(shared: FabSite, view: str, who: str, account: str, allowed: bool) -> None:
    for status in (
        shared.browser(who).get(view.format(account)).status_code,
        shared.program(who).get(f"{shared.url}/grdf{view.format(account)}", timeout=60).status_code,
    ):
        assert status == (200 if allowed else 403)


@pytest.mark.parametrize(
    ("who", "seen"), [("neighbour", {OWN}), ("stranger", set()), ("viewer", {OWN, OTHER}), ("admin", {OWN, OTHER})]
)
def test_the_list_shows_what_may_be_seen(shared: FabSite, who: str, seen: set[str]) -> None:
    browser = shared.browser(who)  # searched for, since other tests' accounts may fill the first page
    pages = {account: browser.get(f"/?search={account[:-1]}") for account in (OWN, OTHER)}
    assert {answer.status_code for answer in pages.values()} == {200}
    assert {account for account, answer in pages.items() if f"/accounts/{account}" in answer.text} == seen
    assert all((account in answer.text) == (account in seen) for account, answer in pages.items())


@pytest.mark.parametrize(("who", "number"), [("neighbour", 1), ("stranger", 0)])
def test_the_fleet_counts_what_may_be_seen_and_nothing_else(shared: FabSite, who: str, number: int) -> None:
    text = shared.browser(who).get("/fleet").text
    assert OTHER not in text
    counts = [int(count) for count in re.findall(r'<b class="count">(\d+)</b>', text)]
    assert sum(counts) == number
    assert ("No account that you may see is connected." in text) is not bool(number)
    assert ("shown to whoever may see every account" in text) is bool(number)
    assert "grdf_adict" not in text, "the calls of all accounts together"
    assert "grdf_adict" in shared.browser("viewer").get("/fleet").text


@pytest.mark.parametrize("who", ["neighbour", "stranger"])
def test_who_may_only_read_may_not_connect(shared: FabSite, who: str) -> None:
    assert shared.browser(who).get(f"/connect/{OWN}").status_code == 403
    assert shared.browser(who).post(f"/connect/{OWN}").status_code == 403
