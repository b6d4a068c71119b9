"""What a household's link may do at this moment, asked while a person waits."""

from __future__ import annotations

import logging

from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect.exchange import CALLS, Stop, as_stop, client_for, couchdb, let_pass
from grdf.quota.shared_quota import governor_for
from grdf.stores.household_links import HouseholdLinks
from grdf.stores.records.cut_off_forms import give_link_back

log = logging.getLogger(__name__)


@as_stop()
def new_link(account: str, link: str, until: float) -> None:
    """Record a new link for an account's household, and void all earlier ones.

    :param until: when the link expires, in epoch seconds
    :raises Stop: if it cannot be stored in CouchDB
    """
    HouseholdLinks(couchdb()).make(account, link, until)


@as_stop()
def take_link_back(account: str) -> bool:
    """Void all links for an account's household. Return whether one was valid.

    :raises Stop: if this cannot be stored in CouchDB
    """
    return HouseholdLinks(couchdb()).take_back(account)


@as_stop()
def open_links() -> list[tuple[str, int]]:
    """Return the accounts with a valid household link, and when it expires, in epoch seconds.

    :raises Stop: if CouchDB cannot be read
    """
    return HouseholdLinks(couchdb()).open()


@as_stop()
def link_good_until(account: str) -> int | None:
    """Return when an account's valid household link expires, in epoch seconds; ``None`` if there is none.

    :raises Stop: if CouchDB cannot be read
    """
    return HouseholdLinks(couchdb()).good_until(account)


@as_stop()
def check_link(link: str, account: str) -> None:
    """Check that a household's link may be used. A link connects once, and only until it is taken back.

    :param account: id of the account that the link is for
    :raises Stop: if it may not be used, or CouchDB cannot be read
    """
    store = couchdb()
    links = HouseholdLinks(store)
    standing = links.standing(account, link)
    if standing == "used" and give_link_back(store, account, link):
        log.info("Account %s: its household's link is valid again, since its form was cut off.", account)
        standing = links.standing(account, link)
    let_pass(standing)


@as_stop()
def begin_with_link(link: str, account: str) -> None:
    """Count an attempt with a household's link, after checking that enough calls to GRDF are left for it.

    :param account: id of the account that the link is for
    :raises Stop: if no attempt may begin
    """
    if governor_for(GrdfOAuthHook(client_for(account)).facts).left("link") < CALLS:
        log.warning("The day's calls that household links may start are used up.")
        raise Stop("link_busy", 503)
    let_pass(HouseholdLinks(couchdb()).begin(account, link))
