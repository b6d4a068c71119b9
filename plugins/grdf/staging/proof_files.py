"""Files of an operator's own that wait to be sent to GRDF as proofs of an account's consents.

They lie in the folder ``proofs/<account>`` of the staging store, put there by hand or by :meth:`ProofFiles.put`, and
stay until GRDF has taken them or the account is deleted. Messages name a file by its place in the order of the names: a
name that a person chose may name somebody.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from grdf.staging.failures import in_words
from grdf.staging.file_kinds import NotAProof, checked
from grdf.staging.files import write_private
from include.gas.errors import ProofNotSent
from include.gas.proof.proof_file import ENDINGS, MOST, MOST_BYTES, ProofFile, digest_of

FOLDER = "proofs"


class ProofFiles:
    """The files of all accounts.

    :param base_url: the staging folder, as for :class:`grdf.staging.area.Staging`
    :param conn_id: Airflow connection with the credentials of the object store, if it needs one
    """

    def __init__(self, base_url: str, conn_id: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.conn_id = conn_id

    def put(self, account: str, content: bytes) -> None:
        """Check a file and store it behind those that wait already.

        :raises ProofNotSent: if GRDF would not take it, or three files wait already
        :raises BadSettings: if the place cannot be written to
        :raises StoreBusy: if it does not answer at the moment
        """
        waiting = self._files(account)
        if len(waiting) >= MOST:
            raise ProofNotSent.about(account, f"{MOST} files wait already, and GRDF takes no more", _REMOVE)
        try:
            proof = checked(content)
        except NotAProof as error:
            raise ProofNotSent.about(account, f"the file {error}", "It was not stored. Choose another file.") from None
        place = max((_number(file.name) for file in waiting), default=0) + 1
        reference = f"{self._folder(account)}/{place:03}-{secrets.token_hex(4)}.{ENDINGS[proof.kind]}"
        with in_words(self.base_url, account):
            if reference.startswith("file://"):
                local = Path(reference.removeprefix("file://"))
                local.parent.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                local.parent.parent.mkdir(exist_ok=True, mode=0o700)
                write_private(local, proof.content)
            else:
                self._path(reference).write_bytes(proof.content)

    def read(self, account: str) -> list[ProofFile]:
        """Return the files that wait for an account, in the order of their names.

        :raises ProofNotSent: if there are more than three, or GRDF would not take one of them
        :raises StoreBusy: if the place does not answer at the moment
        """
        files = self._files(account)
        where = f"{self._folder(account)}"
        if len(files) > MOST:
            raise ProofNotSent.about(account, f"{len(files)} files are in {where}, and GRDF takes {MOST}", _REMOVE)
        found: list[ProofFile] = []
        for place, file in enumerate(files, 1):
            try:
                with in_words(self.base_url, account):
                    large = file.stat().st_size > MOST_BYTES
                    content = b"" if large else file.read_bytes()
                if large:
                    raise NotAProof("is larger than 4 MB")
                found.append(checked(content))
            except NotAProof as error:
                raise ProofNotSent.about(
                    account,
                    f"file {place} of {len(files)} in {where}, by name, {error}. Nothing was sent",
                    "Replace or remove it, then start grdf_send_proof with this account.",
                ) from None
        return found

    def count(self, account: str) -> int:
        """Return how many files lie in an account's folder, hidden ones included."""
        return len(self._files(account, hidden=True))

    def remove(self, account: str, only: Collection[str] | None = None) -> int:
        """Remove an account's files, hidden ones included, and return their number.

        :param only: remove only files with one of these :attr:`ProofFile.digest`; ``None`` for all
        """
        files = self._files(account, hidden=True)
        with in_words(self.base_url, account):
            if only is not None:
                small = [file for file in files if file.stat().st_size <= MOST_BYTES]
                files = [file for file in small if digest_of(file.read_bytes()) in only]
            for file in files:
                file.unlink(missing_ok=True)
            folder = self._folder(account)
            if folder.startswith("file://") and not self._files(account, hidden=True):
                local = Path(folder.removeprefix("file://"))
                if local.is_dir():
                    local.rmdir()
        return len(files)

    def _files(self, account: str, *, hidden: bool = False) -> list[ObjectStoragePath]:
        with in_words(self.base_url, account):
            folder = self._path(self._folder(account))
            found = [file for file in folder.iterdir() if file.is_file()] if folder.exists() else []
        return sorted((file for file in found if hidden or not file.name.startswith(".")), key=lambda file: file.name)

    def _folder(self, account: str) -> str:
        return f"{self.base_url}/{FOLDER}/{account}"

    def _path(self, reference: str) -> ObjectStoragePath:
        return ObjectStoragePath(reference, conn_id=self.conn_id)


_REMOVE = "Remove what GRDF does not need, then start grdf_send_proof with this account."


def _number(name: str) -> int:
    digits = name.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0
