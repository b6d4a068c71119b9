"""axe finds no problem in either theme, on a wide or narrow screen, and nothing overflows the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from include.sandbox.airflow_stack import ADMIN
from tests.browser.conftest import Visit

if TYPE_CHECKING:
    from tests.browser.up import Up

PATHS = (
    "/grdf/fleet",
    "/grdf/",
    "/grdf/?search=nobody-there",
    "/grdf/accounts/two-meters",
    "/grdf/accounts/real-household?month=2026-04",
    "/grdf/accounts/nobody-there",
    "/grdf/accounts/two-meters/published?meter=09999990000042",
    "/grdf/connect/",
    "/grdf/connect/two-meters",
    "/grdf/connect/two-meters/records",
    "/grdf/connect/two-meters/proofs",
    "/grdf/import/",
)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_everybody_can_use_it(up: Up, visit: Visit, path: str, theme: str, width: int) -> None:
    page = visit(ADMIN, width=width, theme=theme).new_page()
    page.goto(f"{up.url}{path}")
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page)
    assert len(found.response["passes"]) > 10  # axe has really checked something
    assert [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("document.documentElement.dataset.theme") == theme


@pytest.mark.parametrize("locale", ["fr-FR", "de-DE"])
def test_the_language_is_the_browsers(up: Up, visit: Visit, locale: str) -> None:
    page = visit(ADMIN, locale=locale).new_page()
    page.goto(f"{up.url}/grdf/accounts/two-meters")
    french = locale == "fr-FR"
    assert page.locator("html").get_attribute("lang") == ("fr" if french else "en")
    assert page.get_by_role("button", name="Exécuter maintenant").count() == int(french)
