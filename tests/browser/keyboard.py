"""A visitor who has only a keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def follow(page: Page, link: Locator, within: int) -> None:
    """Press the tab key until a link has the focus, and then Enter.

    :param within: how often to press the tab key at most; Enter then goes to whatever has the focus
    """
    for _ in range(within):
        page.keyboard.press("Tab")
        if link.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")
