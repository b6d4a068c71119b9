"""Files of an operator's own that wait to be sent to GRDF as proofs of an account's consents.

They lie in the folder ``proofs/<account>`` of the staging store, put there by hand or by :meth:`ProofFiles.put`, and
stay until GRDF has taken them or the account is deleted. Messages name a file by its place in the order of the names: a
name that a person chose may name somebody.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime

from airflow.sdk import ObjectStoragePath

from grdf.staging import entries
from grdf.staging.entries import local_path, read_start
from grdf.staging.failures import in_words
from include.gas.days.gas_day import utc_text
from include.gas.errors import ProofNotSent
from include.gas.proof.proof_file import ENDINGS, MOST, MOST_BYTES, NotAProof, ProofFile, checked, digest_of

FOLDER = "proofs"


class ProofFiles:
    """The files of all accounts.

    :param base_url: the staging folder, as for :class:`grdf.staging.area.Staging`
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def put(self, account: str, content: bytes) -> str:
        """Check a file, store it behind those that wait already, and return where it is.

        :raises ProofNotSent: if GRDF would not take it, or three files wait already
        :raises BadSettings: if the place cannot be written to
        """
        try:
            proof = checked(content)
        except NotAProof as error:
            raise ProofNotSent.about(account, f"the file {error}", "It was not stored. Choose another file.") from None
        waiting = self._entries(account)
        if len(waiting) >= MOST:
            raise ProofNotSent.about(account, f"{MOST} files wait already, and GRDF takes no more", _REMOVE)
        place = max((_number(file.name) for file in waiting), default=0) + 1
        reference = f"{self._folder(account)}/{place:03}-{secrets.token_hex(4)}.{ENDINGS[proof.kind]}"
        with in_words(self.base_url, account):
            entries.write(self._path(reference), proof.content)
        return reference

    def read(self, account: str) -> list[ProofFile]:
        """Return the files that wait for an account, in the order of their names.

        :raises ProofNotSent: if there are more than three, or GRDF would not take one of them
        """
        files = self._entries(account)
        where = self._folder(account)
        if len(files) > MOST:
            raise ProofNotSent.about(account, f"{len(files)} files are in {where}, and GRDF takes {MOST}", _REMOVE)
        found: list[ProofFile] = []
        for place, file in enumerate(files, 1):
            try:
                with in_words(self.base_url, account):
                    content = read_start(file, MOST_BYTES + 1) if file.is_file() else None
                if content is None:  # a pipe would be waited for, and whose a folder is, nobody knows
                    raise NotAProof("is no ordinary file")
                found.append(checked(content))
            except NotAProof as error:
                cause = f"file {place} of {len(files)} in {where}, by name, {error}. Nothing was sent"
                raise ProofNotSent.about(account, cause, _REPLACE) from None
        return found

    def waiting(self, account: str) -> int:
        """Return how many files wait to be sent."""
        return len(self._entries(account))

    def count(self, account: str) -> int:
        """Return how many files lie in an account's folder at any depth, hidden ones included."""
        with in_words(self.base_url, account):
            return len(entries.within(self._path(self._folder(account))))

    def remove(self, account: str, only: Collection[str] | None = None) -> int:
        """Remove files of an account, hidden ones included, and return their number.

        :param only: remove only files with one of these :attr:`ProofFile.digest`; ``None`` for the folder with all that
            is in it
        """
        folder = self._path(self._folder(account))
        with in_words(self.base_url, account):
            if only is None:
                return entries.remove(folder)
            removed = 0
            for file in self._entries(account, hidden=True):
                if file.is_file() and digest_of(read_start(file, MOST_BYTES + 1)) in only:
                    file.unlink(missing_ok=True)
                    removed += 1
            if local := local_path(str(folder)):
                with suppress(OSError):  # something else is there
                    local.rmdir()
            return removed

    def names(self) -> list[str]:
        """Return the names of all folders, which should be accounts' ids but may be anything."""
        with in_words(self.base_url, None):
            return sorted(each.name for each in entries.listed(self._path(f"{self.base_url}/{FOLDER}")))

    def changed(self, account: str) -> datetime:
        """Return when something was last put into an account's folder or changed there, aware."""
        with in_words(self.base_url, account):
            found = entries.within(self._path(self._folder(account)))
            return datetime.fromtimestamp(max(map(entries.changed, found), default=0.0), UTC)

    def remove_older(self, account: str, than: str) -> int:
        """Remove files that have waited since before a moment, hidden ones included, and return their number.

        :param than: UTC text
        """
        removed = 0
        for file in self._entries(account, hidden=True):
            with in_words(self.base_url, account), suppress(FileNotFoundError):  # somebody else has removed it
                if file.is_file() and utc_text(datetime.fromtimestamp(entries.changed(file), UTC)) < than:
                    file.unlink(missing_ok=True)
                    removed += 1
        return removed

    def _entries(self, account: str, *, hidden: bool = False) -> list[ObjectStoragePath]:
        """Return what is in an account's folder, by name."""
        with in_words(self.base_url, account):
            found = entries.listed(self._path(self._folder(account)))
        return sorted((file for file in found if hidden or not file.name.startswith(".")), key=lambda file: file.name)

    def _folder(self, account: str) -> str:
        return f"{self.base_url}/{FOLDER}/{account}"

    def _path(self, reference: str) -> ObjectStoragePath:
        return ObjectStoragePath(reference)


_REPLACE = "Replace or remove it, then start grdf_send_proof with this account."
_REMOVE = "Remove what GRDF does not need, then start grdf_send_proof with this account."


def _number(name: str) -> int:
    digits = name.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0
