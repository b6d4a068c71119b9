"""Files of an operator's own that wait to be sent to GRDF as proofs of an account's consents.

They lie in the folder ``proofs/<account>`` of the staging store, put there by hand or by :meth:`ProofFiles.put`, and
stay until GRDF has taken them or the account is deleted. Messages name a file by its place in the order of the names: a
name that a person chose may name somebody.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from datetime import datetime

from airflow.sdk import ObjectStoragePath

from grdf.staging import entries
from grdf.staging.entries import read_start
from grdf.staging.failures import in_words
from include.gas.errors import ProofNotSent
from include.gas.proof.proof_file import ENDINGS, MOST, MOST_BYTES, NotAProof, ProofFile, checked

FOLDER = "proofs"


class ProofFiles:
    """The files of all accounts.

    :param base_url: the staging folder, as for :class:`grdf.staging.area.Staging`
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def put(self, account: str, proof: ProofFile) -> str:
        """Store a file behind those that wait already, and return where it is.

        :raises BadSettings: if the place cannot be written to
        """
        path = self._folder(account) / f"{time.time_ns()}-{secrets.token_hex(4)}.{ENDINGS[proof.kind]}"
        with in_words(self.base_url, account):
            entries.write(path, proof.content)
        return str(path)

    def read(self, account: str) -> dict[str, ProofFile]:
        """Return the files that wait for an account by their names, in the order of these; as many as GRDF takes.

        :raises ProofNotSent: if GRDF would not take one of them
        """
        found: dict[str, ProofFile] = {}
        for place, file in enumerate(files := self._waiting(account)[:MOST], 1):
            with in_words(self.base_url, account):
                content = read_start(file, MOST_BYTES + 1)
            try:
                found[file.name] = checked(content)
            except NotAProof as error:
                cause = f"file {place} of {len(files)} in {FOLDER}/{account} of [grdf] staging_url, by name, {error}"
                step = "Nothing was sent. Replace or remove it, then start grdf_send_proof with this account."
                raise ProofNotSent.about(account, cause, step) from None
        return found

    def waiting(self, account: str) -> int:
        """Return how many files wait to be sent."""
        return len(self._waiting(account))

    def count(self, account: str) -> int:
        """Return how many files lie in an account's folder at any depth, hidden ones included."""
        with in_words(self.base_url, account):
            return len(entries.within(self._folder(account)))

    def remove(self, account: str) -> int:
        """Remove an account's folder with all that is in it, and return how many files those were."""
        with in_words(self.base_url, account):
            return entries.remove(self._folder(account))

    def remove_sent(self, account: str, names: Collection[str]) -> None:
        """Remove some files."""
        with in_words(self.base_url, account):
            for name in names:
                (self._folder(account) / name).unlink(missing_ok=True)

    def unchanged(self, since: datetime) -> list[str]:
        """Return the names of the folders into which nothing was put since a moment; not all may be accounts' ids.

        :param since: aware
        """
        with in_words(self.base_url, None):
            folders = entries.listed(ObjectStoragePath(f"{self.base_url}/{FOLDER}"))
            return [each.name for each in folders if _changed(each) < since.timestamp()]

    def _waiting(self, account: str) -> list[ObjectStoragePath]:
        """Return the files in an account's folder, by name, without hidden ones."""
        with in_words(self.base_url, account):
            found = [each for each in entries.listed(self._folder(account)) if each.is_file()]
        return sorted((file for file in found if not file.name.startswith(".")), key=lambda file: file.name)

    def _folder(self, account: str) -> ObjectStoragePath:
        return ObjectStoragePath(f"{self.base_url}/{FOLDER}/{account}")


def _changed(folder: ObjectStoragePath) -> float:
    return max(map(entries.changed, entries.within(folder)), default=0.0)
