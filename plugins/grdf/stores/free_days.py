"""The days from which meters are free, of which the ledger has no document: everybody who had a right has left.

A deletion removes all that names the household, its meter's number included. But GRDF serves the household's days to
whoever connects that meter next. So the first free day stays, under a keyed hash of the number: without the secret,
which is in Airflow and not in CouchDB, nobody can tell of which meter it is, not even by trying all numbers.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

from airflow.sdk import Variable

from grdf.stores.compare_and_swap import change_document
from include.gas.days.asked_days import PUBLISHED_YEARS
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import METER
from include.gas.errors import BadSettings

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook, Document
    from grdf.stores.removal import Remover

SECRET = "grdf_meter_secret"
"""Airflow's Variable with the secret of the hashes, made by the first deletion that needs it."""
PREFIX, END = "~free:", "~free;"
"""What ids of these documents begin with, beside the meters, and the end of their range."""


class FreeDays:
    """Keeps first free days by meter, without the meter's number."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def note(self, pce: str, free_from: date) -> None:
        """Keep the first gas day that a later account may have of a meter; a later one that is kept stays."""
        secret: str | None = Variable.get(SECRET, default=None)
        if secret is None:
            self._check_nothing_is_kept()
            secret = secrets.token_hex(32)
            Variable.set(SECRET, secret, description="Secret of the hashes of meters that former households had")
        doc_id = _id_of(pce, secret)

        def change(stored: Document) -> Document:
            return stored | {"free_from": max(str(free_from), stored.get("free_from", ""))}

        change_document(self._couchdb, METER, lambda: self._couchdb.get(METER, doc_id) or {"_id": doc_id}, change)

    def find(self, pce: str) -> date | None:
        """Return the first gas day that an account may have of a meter; ``None`` for all that GRDF serves.

        :raises BadSettings: if such days are kept, and the secret is missing
        """
        secret: str | None = Variable.get(SECRET, default=None)
        if secret is None:
            self._check_nothing_is_kept()
            return None
        kept = self._couchdb.get(METER, _id_of(pce, secret))
        return date.fromisoformat(kept["free_from"]) if kept else None

    def remove_unneeded(self, remover: Remover, today: date) -> int:
        """Remove the days before which GRDF serves nothing any more, billing periods included; return how many."""
        oldest_served = str(oldest_allowed(today, PUBLISHED_YEARS))
        unneeded = {
            document["_id"]: document["_rev"]
            for document in self._couchdb.scan(METER, PREFIX, END)
            if document["free_from"] <= oldest_served
        }
        return remover.remove_revisions(METER, unneeded)

    def _check_nothing_is_kept(self) -> None:
        """Raise an error if days are kept under a secret that is missing now: they could not be found."""
        if self._couchdb.rows(METER, startkey=PREFIX, endkey=END, limit=1):
            raise BadSettings.about(
                None,
                f"which days of a meter were a deleted household's is kept under the secret in Airflow's Variable "
                f"{SECRET}, and that is missing here",
                "Nothing was read. Restore the Variable with Airflow's database; outside Airflow, as in ./grdf run, "
                "start the account's DAG instead. If it is lost for good, remove the documents ~free:... of "
                "com-grandlyon-grdf-meter: whoever connects the meter of a deleted household may then read its days.",
            )


def _id_of(pce: str, secret: str) -> str:
    return PREFIX + hmac.new(secret.encode(), pce.encode(), sha256).hexdigest()[:32]
