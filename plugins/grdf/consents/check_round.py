"""The state of one check of the accounts of a client, and of which accounts have the same meter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf.consents.lists.consent_dates import claimed_rights, other_holders, unknown_meters
from include.gas.account.account import Account
from include.gas.account.sections.rights.list_seen import seen_at, with_seen
from include.gas.account.sections.rights.lost_consents import SharedMeters
from include.gas.errors import ODD_DOCUMENT, BadAccount, BadSettings, ServiceUnavailable, StoreBusy
from include.gas.rights.consent_check import Listed

if TYPE_CHECKING:
    from grdf.consents.declarations.long_waits import LongWaits
    from grdf.consents.lists.client_lists import ClientList
    from grdf.hooks.couchdb import CouchDBHook

COUNTS = ("checked", "lost", "restored", "ending", "foreign", "shared", "proofs", "odd")


MOST_TOLD = 20
"""Accounts that a message names. The log has all of them."""


class NoRights(ServiceUnavailable):
    """GRDF lists no right at all for a client that has accounts. The list is not believed."""


class Round:
    """The state of one check of all accounts of a client.

    :param listed: GRDF's list for the client
    :param meters: which accounts of any client have which meter
    :param waits: sees to declarations that have waited for long
    """

    def __init__(self, couchdb: CouchDBHook, listed: ClientList, meters: MetersRead, waits: LongWaits) -> None:
        from grdf.stores.accounts.account_store import AccountStore

        self.couchdb = couchdb
        self.accounts = AccountStore(couchdb)
        self.client = listed.client
        self.last = self.accounts.listed_at(listed.connection)
        self.answer = listed.answer
        self.rights = listed.rights
        self.asked_at = listed.asked_at
        self.whole = listed.whole
        self.meters = meters
        self.waits = waits
        self.counts = dict.fromkeys(COUNTS, 0)
        self.news: list[dict[str, Any]] = []
        self.unannounced: list[str] = []
        self.busy: list[StoreBusy] = []
        """Why what was read under somebody else's right could not be taken back."""
        self.is_noted = True
        """Whether each account notes which list last showed its rights, where it is not this one."""
        self.problem: ServiceUnavailable | None = None
        """Why the list was not believed."""
        self.elsewhere: dict[str, list[str]] = {}
        """The accounts that have a right which only the list of another client names, by that client's connection."""

    @property
    def is_void(self) -> bool:
        """Whether nothing can be learnt from the list."""
        return isinstance(self.problem, NoRights)

    @property
    def swapped(self) -> list[BadSettings]:
        """What to tell of rights that only the list of another client names."""
        return [
            BadSettings.about(
                None,
                f"GRDF lists the rights of {len(names)} account(s) of {self.client.grdf_conn_id} for {other} instead "
                f"({', '.join(names[:MOST_TOLD])}{', …' if len(names) > MOST_TOLD else ''}): the credentials of the "
                "two connections may be swapped",
                "These accounts were left as they are. Compare login and password of both connections with those that "
                "GRDF sent; if they are right, the accounts' documents name the wrong client (grdf_connection). Then "
                "clear the task.",
            )
            for other, names in self.elsewhere.items()
        ]

    def listed(self, document: dict[str, Any]) -> Listed:
        """Return the part of the list that concerns an account.

        Look up who holds a right only for the konnector's accounts.
        """
        account = Account.from_document(document)
        mine = [right for meter in account.meters for right in self.rights.get(meter.pce, [])]
        unknown = [] if account.leaving or account.needs_first_launch else unknown_meters(account)
        asked = [meter.pce for meter in account.meters]  # a meter added in the meantime is not judged by this list
        if not unknown:
            return Listed(mine, self.asked_at, meters=asked)
        if not self.whole:  # part of the list cannot show which right is theirs
            return Listed(mine, self.asked_at, meters=[pce for pce in asked if pce not in unknown])
        claimed = claimed_rights(self.client.oauth, document)
        held = other_holders(self.accounts, account.id, unknown)
        return Listed(mine, self.asked_at, meters=asked, claimed=claimed, held=held)

    def unseen(self, document: dict[str, Any]) -> dict[str, Any]:
        """Record on an account that this list did not show the state of its rights."""
        return with_seen(document, seen_at(document, self.last))

    def put_off(self, document: dict[str, Any], error: StoreBusy) -> None:
        """Record that what an account has read must be taken back by the next try, from the same moment on.

        :param document: the account document from before the check
        """
        self.busy.append(error)
        self.meters.read_by_unchecked(document)
        seen = seen_at(document, self.last)
        try:
            self.accounts.update(document["_id"], lambda stored: with_seen(stored, seen))
        except StoreBusy:
            self.is_noted = False  # then the next try relies on no newer list than this one did
        except BadAccount:
            return  # it has been removed meanwhile

    def may_be_unread(self, document: dict[str, Any], pce: str) -> bool:
        """Return whether one of its own rights on a meter may be in a line of the list that could not be read."""
        own = {right for meter in Account.from_document(document).meters if meter.pce == pce for right in meter.own}
        listed = {right.id for right in self.rights.get(pce, [])}
        return not listed or not own <= listed


class MetersRead:
    """Which accounts have which meter under a right that is in force, whichever of our clients has the right.

    ``noted`` are the shared meters that the accounts' documents name.
    """

    def __init__(self) -> None:
        self._readers: dict[str, list[str]] = {}
        self.noted: dict[str, list[str]] = {}

    def read_by(self, document: dict[str, Any]) -> None:
        """Record which meters an account has under a right that is in force.

        :param document: the account document after the check, or as it is where GRDF has not answered
        """
        name = str(document["_id"])
        if noted := SharedMeters.of(document):
            self.noted[name] = noted
        for meter in Account.from_document(document).meters:
            if not meter.lost:
                self._readers.setdefault(meter.pce, []).append(name)

    def read_by_unchecked(self, document: dict[str, Any]) -> None:
        """Record the same of an account that is not checked now. It may be odd."""
        try:
            if Account.from_document(document).leaving is None:
                self.read_by(document)
        except (BadAccount, *ODD_DOCUMENT):
            return

    @property
    def shared(self) -> dict[str, list[str]]:
        """The meters that several accounts have, with the ids of these accounts."""
        return {pce: names for pce, names in self._readers.items() if len(names) > 1}
