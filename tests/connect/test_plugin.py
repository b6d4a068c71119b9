"""The page as Airflow sees it: an entry in its navigation, and no errors."""

from __future__ import annotations

from typing import Any

from tests.connect.site import Site


def plugin(site: Site) -> dict[str, Any]:
    plugins = site.program("viewer").get(f"{site.url}/api/v2/plugins", timeout=60).json()["plugins"]
    return next(each for each in plugins if each["name"] == "grdf")


def test_airflow_takes_the_plugin(site: Site) -> None:
    errors = site.program("admin").get(f"{site.url}/api/v2/plugins/importErrors", timeout=60).json()
    assert errors == {"import_errors": [], "total_entries": 0}
    known = plugin(site)
    assert [(each["name"], each["url_prefix"]) for each in known["fastapi_apps"]] == [("Gas accounts", "/grdf")]
    assert {each["destination"] for each in known["external_views"]} == {"nav"}


def test_its_views_have_a_short_name_and_an_icon_for_each_theme(site: Site) -> None:
    for view in plugin(site)["external_views"]:
        assert view["name"] == "Gas", "the navigation cuts off longer names"
        icons = [site.browser().get(f"{site.url}/{view[name]}") for name in ("icon", "icon_dark_mode")]
        assert [each.headers["Content-Type"] for each in icons] == ["image/svg+xml"] * 2
        assert icons[0].text != icons[1].text


def test_the_addresses_of_its_views_lead_to_the_page(site: Site) -> None:
    """Airflow's UI resolves them relative to its base address."""
    browser = site.browser("admin")
    for view in plugin(site)["external_views"]:
        answer = browser.get(f"{site.url}/{view['href']}", allow_redirects=True)
        assert answer.status_code in (200, 404), view
        assert answer.url.startswith(f"{site.url}/grdf/"), "redirects keep the sub-path"
        assert "<h1>" in answer.text


def test_all_that_a_page_needs_is_there_and_may_be_kept(site: Site) -> None:
    text = site.browser("admin").get("/").text
    needed = [part.partition('"')[0] for part in text.split('="') if "/static/" in part.partition('"')[0]]
    assert len(needed) >= 2
    for address in needed:
        answer = site.browser().get(site.origin + address)
        assert answer.status_code == 200, address
        assert "max-age" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Type"].startswith(("text/css", "text/javascript"))
