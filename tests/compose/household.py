"""What a household does with an installation, and what is stored of it."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta

import requests

from include.gas.days.gas_day import paris_today
from include.sandbox.control import SandboxControl, consent_through_browser
from tests.compose.installation import Installation
from tests.helpers import holder


def connect(installation: Installation, account: str) -> None:
    """Follow an operator's link through the proxy, consent at GRDF, and come back."""
    answer = installation.call("POST", f"/grdf/connect/{account}/link")
    assert answer.ok, answer.text
    link = answer.json()["link"]
    assert link.startswith(f"{installation.public}/grdf/household?token=")
    browser, who = _browser(installation), holder(account)
    page = browser.get(link)
    assert page.ok, page.text
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    names = {"first_name": who.first_name, "last_name": who.last_name, "email": who.email}
    sent = browser.post(link, data=names, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False)
    assert sent.status_code == 303, sent.text
    done = browser.get(consent_through_browser(sent.headers["Location"]))
    assert done.ok, done.text
    assert "/household/progress?" in done.url


def _browser(installation: Installation) -> requests.Session:
    """Return the household's browser, which trusts the proxy's certificate."""
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = str(installation.authority.certificate)
    return browser


def days(installation: Installation, account: str) -> dict[str, float]:
    """Return the kWh of each stored day, as the page gives them out."""
    answer = installation.call("GET", f"/grdf/accounts/{account}/days.csv")
    assert answer.ok, answer.text
    return {row["day"]: float(row["kwh"]) for row in csv.DictReader(answer.text.splitlines())}


def expected(installation: Installation, account: str) -> dict[str, float]:
    """Return what GRDF would give for all days that are over and old enough to be published."""
    (pce,) = holder(account).pces
    last = paris_today(datetime.now(UTC)) - timedelta(days=5)
    return SandboxControl(installation.control()).expected(pce, last - timedelta(days=1000), last)


def is_right(installation: Installation, account: str) -> bool:
    """Return whether all these days are stored as GRDF says."""
    stored, wanted = days(installation, account), expected(installation, account)
    return len(wanted) > 900 and all(abs(stored.get(day, -1) - kwh) <= 0.5 for day, kwh in wanted.items())


def corrects(installation: Installation, account: str, kwh: int) -> None:
    """Let GRDF correct a day, run the account's DAG by hand, and check that the day arrives and all others stay."""
    (pce,) = holder(account).pces
    day = paris_today(datetime.now(UTC)) - timedelta(days=20)
    SandboxControl(installation.control()).correct(pce, day, kwh)
    installation.read(account)
    assert days(installation, account)[day.isoformat()] == kwh
    assert is_right(installation, account)
