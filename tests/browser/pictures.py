"""Take the pictures of the page that the documentation shows: ``python -m tests.browser.pictures`` (some minutes)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT
from include.sandbox.airflow_stack import ADMIN, AirflowStack
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes
from tests.browser.up import Up
from tests.databases import empty_database
from tests.page_accounts import Fleet

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DOCS = Path(__file__).resolve().parents[2] / "docs"
ACCOUNTS = 5000
PATIENT = 90_000
MONTH = "2026-03"


@contextmanager
def window(
    browser: Browser, url: str, token: str, *, width: int, height: int, theme: str = "light", locale: str = "en-GB"
) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=locale, timezone_id="Europe/Paris"
    )
    context.set_default_timeout(PATIENT)
    context.add_cookies([{"name": "_token", "value": token, "url": url}])
    context.add_init_script(f"try {{ localStorage.setItem('theme', {theme!r}) }} catch {{}}")
    yield context.new_page()
    context.close()


def of_many(browser: Browser, folder: Path) -> None:
    from grdf.couchdb_setup import set_up
    from grdf.hooks.couchdb import CouchDBHook

    with LocalWorld(folder / "world", memory=True) as world, Processes() as processes:
        os.environ |= world.connections()
        hook = CouchDBHook()
        set_up(hook, say=str)
        fleet = Fleet(paris_today(datetime.now(UTC)))
        hook.write(ACCOUNT, [fleet.account(number) for number in range(ACCOUNTS)])
        (home := folder / "site").mkdir()
        shutil.copyfile(empty_database(), home / "airflow.db")
        site = AirflowStack(home, 0, world.connections())
        site.start(processes, components=("api-server",))
        form = {"username": ADMIN, "password": site.password}
        token = requests.post(f"{site.url}/auth/token", json=form, timeout=120).json()["access_token"]
        with window(browser, site.url, token, width=1280, height=900) as page:
            page.goto(f"{site.url}/grdf/fleet")
            page.get_by_text("Counted by Airflow").wait_for()
            page.screenshot(path=DOCS / "page-fleet.png", full_page=True)
        with window(browser, site.url, token, width=1280, height=640) as page:
            page.goto(f"{site.url}/plugin/gas-accounts")
            frame = page.frame_locator("iframe")
            frame.get_by_role("link", name="All accounts, one by one").click()
            frame.get_by_text(f"of {ACCOUNTS:,} accounts").wait_for()
            page.screenshot(path=DOCS / "page-list.png")


def of_one(browser: Browser, folder: Path) -> None:
    with Processes() as processes:
        up = Up(processes, folder)
        up.wait_for_run("grdf_account__two-meters")
        up.wait_for_run("grdf_account__real-household")
        token = up.token(ADMIN)
        with window(browser, up.url, token, width=1100, height=900) as page:
            page.goto(f"{up.url}/grdf/accounts/real-household?month={MONTH}")
            page.get_by_role("button", name="Run now").wait_for()
            part = {"x": 0, "y": 0, "width": 1100, "height": 1230}
            page.screenshot(path=DOCS / "page-account.png", clip=part, full_page=True)
        with window(browser, up.url, token, width=400, height=1280, theme="dark", locale="fr-FR") as page:
            page.goto(f"{up.url}/grdf/accounts/two-meters")
            page.get_by_role("heading", level=1).wait_for()
            page.screenshot(path=DOCS / "page-narrow-dark-fr.png")


def make_small(picture: Path) -> None:
    from PIL import Image

    with Image.open(picture) as taken:
        taken.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="grdf-pictures-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, take in (("many", of_many), ("one", of_one)):
            (Path(folder) / name).mkdir()
            take(browser, Path(folder) / name)
        browser.close()
    for name in ("fleet", "list", "account", "narrow-dark-fr"):
        make_small(DOCS / f"page-{name}.png")


if __name__ == "__main__":
    main()
