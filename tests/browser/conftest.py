"""``./grdf up`` and a Chromium browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.sandbox.processes import Processes
from tests.browser.up import Up

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage

ROOT = Path(__file__).resolve().parents[2]
PATIENT = 90_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if shutil.which("chromium") is None and os.environ.get("CI") != "true":
        reason = "there is no Chromium on PATH: apt-get install chromium"
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with Processes() as processes:
        running = Up(processes, tmp_path_factory.mktemp("up"))
        running.wait_for_run("grdf_account__two-meters")
        running.wait_for_run("grdf_account__real-household")
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENT)  # Airflow's own pages take more than the usual 5 s on a busy machine
    path = shutil.which("chromium")
    assert path, "there is no Chromium on PATH: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


Visit = Callable[..., "BrowserContext"]


@pytest.fixture
def visit(up: Up, chromium: Browser) -> Iterator[Visit]:
    """A function that opens a window: ``visit(role, …)``, ``None`` without login. Our pages must log no error."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.location['url']}: {message.text}")

    def open_window(
        role: str | None = None,
        *,
        width: int = 1280,
        theme: str | None = None,
        locale: str = "en-GB",
        **more: Any,
    ) -> BrowserContext:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale=locale, timezone_id="Europe/Paris", **more
        )
        context.set_default_timeout(PATIENT)
        if role is not None:
            context.add_cookies([{"name": "_token", "value": up.token(role), "url": up.url}])
        if theme is not None:
            # It throws on about:blank.
            context.add_init_script(f"try {{ localStorage.setItem('theme', {theme!r}) }} catch {{}}")
        context.on("console", hear)
        context.on("weberror", lambda each: complaints.append(str(getattr(each.error, "stack", each.error))))
        contexts.append(context)
        return context

    yield open_window
    for context in contexts:
        context.close()
    # Airflow's own pages log what a role may not see and what a link interrupts; containers of other tests come and go.
    ours = [each for each in complaints if f"{up.url}/grdf/" in each]
    assert [each for each in ours if not re.search("status of 404|ERR_NETWORK_CHANGED", each)] == []
