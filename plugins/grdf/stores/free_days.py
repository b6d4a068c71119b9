"""The days from which meters are free, kept for when the ledger does not know a meter, or has been lost.

A deletion removes all that names the household, its meter's number included. But GRDF serves the household's days to
whoever connects that meter next. So the first free day stays, with the records of deletions, under a keyed hash of the
number: without the secret, which is in Airflow and not in CouchDB, nobody can tell of which meter it is, not even by
trying all numbers.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from airflow.sdk import Variable

from grdf.stores.compare_and_swap import change_document
from include.gas.days.asked_days import PUBLISHED_YEARS
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadSettings

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook, Document
    from grdf.stores.removal import Remover

log = logging.getLogger(__name__)

SECRET = "grdf_meter_secret"
"""Airflow's Variable with the secret of the hashes, made by the first deletion that needs it."""
PREFIX, END = "~free:", "~free;"
"""What ids of these documents begin with, and the end of their range."""
CHECK = "~free-check"
"""Id of the document by which the right secret is told from another one."""


class FreeDays:
    """Keeps first free days by meter, without the meter's number."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def note(self, pce: str, free_from: date) -> None:
        """Keep the first gas day that a later account may have of a meter; a later one that is kept stays.

        :raises BadSettings: if days are kept under another secret
        """
        secret = self.read_secret() or _make_secret()
        self._couchdb.put(AUDIT, {"_id": CHECK, "check": _check_of(secret)})  # the first one stays
        doc_id = _id_of(pce, secret)

        def change(stored: Document) -> Document:
            return stored | {"free_from": max(str(free_from), stored.get("free_from", ""))}

        change_document(self._couchdb, AUDIT, lambda: self._couchdb.get(AUDIT, doc_id) or {"_id": doc_id}, change)

    def find(self, pce: str) -> date | None:
        """Return the first gas day that an account may have of a meter; ``None`` for all that GRDF serves.

        Without the right secret it is today: nobody may get a deleted household's days, and nobody is kept waiting.
        """
        try:
            secret = self.read_secret()
        except BadSettings as error:
            log.error("%s The days of a meter that is new here begin today.", error)
            return paris_today(datetime.now(UTC))
        kept = self._couchdb.get(AUDIT, _id_of(pce, secret)) if secret else None
        return date.fromisoformat(kept["free_from"]) if kept else None

    def read_secret(self) -> str | None:
        """Return the secret of the hashes; ``None`` before the first deletion.

        :raises BadSettings: if days are kept, and not under the secret that is here: they could not be found
        """
        kept = self._couchdb.get(AUDIT, CHECK)
        secret: str | None = Variable.get(SECRET, default=None)
        if kept and (secret is None or kept.get("check") != _check_of(secret)):
            raise BadSettings.about(
                None,
                f"Airflow's Variable {SECRET} is missing or another one than that under which the days of deleted "
                "households' meters are kept",
                f"Restore it with Airflow's database. If it is lost for good, remove the documents {PREFIX}... and "
                f"{CHECK} of com-grandlyon-grdf-audit: whoever connects such a meter may then read days from before.",
            )
        return secret

    def remove_unneeded(self, remover: Remover, today: date) -> int:
        """Remove the days before which GRDF serves nothing any more, billing periods included; return how many."""
        oldest_served = str(oldest_allowed(today, PUBLISHED_YEARS))
        unneeded = {
            document["_id"]: document["_rev"]
            for document in self._couchdb.scan(AUDIT, PREFIX, END)
            if document["free_from"] <= oldest_served
        }
        return remover.remove_revisions(AUDIT, unneeded)


def _make_secret() -> str:
    secret = secrets.token_hex(32)
    Variable.set(SECRET, secret, description="Secret of the hashes of meters that deleted households had")
    return secret


def _check_of(secret: str) -> str:
    return hmac.new(secret.encode(), b"check", sha256).hexdigest()[:32]


def _id_of(pce: str, secret: str) -> str:
    return PREFIX + hmac.new(secret.encode(), pce.encode(), sha256).hexdigest()[:32]
