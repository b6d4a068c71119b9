"""The store for raw ADICT answers between ``extract`` and ``load``: written atomically, private, short-lived.

An answer contains a household's gas days and its meter number, so it goes neither through XCom nor to a place that
others can read. One file per run holds the answers of all the account's meters.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b

import msgspec
from airflow.sdk import ObjectStoragePath

from grdf.staging import entries
from grdf.staging.failures import in_words
from grdf.staging.proof_files import FOLDER as PROOFS
from grdf.staging.proof_files import ProofFiles
from include.gas.days.windows import Window
from include.gas.errors import FailNow
from include.gas.redact import redact_address

EXTRACT_AGAIN = "Clear the task extract of this run, so that it and load run again."
IMPORTS = "import"
"""The folder of the files with households to import (``grdf.staging.imports``)."""


class AnswersGone(FailNow):
    """Staged answers do not exist any more."""


@dataclass(frozen=True)
class StagedAnswer:
    """One raw answer of ADICT.

    :param window: the gas days that were asked for
    :param read_at: when the request was sent, ISO 8601 in UTC
    :param body: the answer as received
    :param history_from: the oldest gas day asked for, if everything that may be asked for was, and came
    :param under: GRDF's ids of the account's rights then
    """

    pce: str = field(repr=False)
    window: Window
    read_at: str
    body: str = field(repr=False)
    history_from: date | None = None
    under: tuple[str, ...] = ()


class Staging:
    """The place where answers wait.

    :param base_url: a folder as ``ObjectStoragePath`` takes it, such as ``file:///var/lib/grdf`` or
        ``s3://connection@bucket/x``
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def put(self, account: str, run_id: str, answers: Sequence[StagedAnswer]) -> str:
        """Store a run's answers, and return a reference for :meth:`get`.

        :param run_id: Airflow's run id; a second try of the same run replaces what the first one stored
        :param answers: one or more per meter
        :raises BadSettings: if the place cannot be written to
        """
        name = blake2b(run_id.encode(), digest_size=12).hexdigest() + ".json"
        reference = f"{self._folder(account)}/{name}"
        with in_words(self.base_url, account):
            entries.write(self._path(reference), msgspec.json.encode(answers))
        return reference

    def get(self, account: str, reference: str) -> list[StagedAnswer]:
        """Return a run's answers.

        :param reference: as returned by :meth:`put`
        :raises AnswersGone: if they do not exist any more
        :raises FailNow: if they belong to another account, or cannot be understood
        """
        path = self._own(account, reference)
        try:
            with in_words(self.base_url, account, may_be_missing=True):
                content = path.read_bytes()
        except FileNotFoundError:
            raise AnswersGone.about(
                cause=f"the answers staged at {reference} are gone: loaded, removed by hand, or on another disk",
                account=account,
                next_step="If tasks run on several machines, let [grdf] staging_url name a folder that all see, or an "
                f"object store (s3://...). {EXTRACT_AGAIN}",
            ) from None
        try:
            return msgspec.json.decode(content, type=list[StagedAnswer])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise FailNow.about(
                account,
                f"the answers staged at {reference} cannot be read: the file was damaged or edited",
                f"A later run asks for these days again; to ask at once: {EXTRACT_AGAIN}",
            ) from None

    def remove(self, account: str, reference: str) -> None:
        """Remove a run's answers. It is fine if they are gone already.

        :param reference: as returned by :meth:`put`
        :raises FailNow: if they belong to another account
        """
        path = self._own(account, reference)
        with in_words(self.base_url, account):
            path.unlink(missing_ok=True)

    @property
    def proofs(self) -> ProofFiles:
        """The files that wait to be sent to GRDF as proofs."""
        return ProofFiles(self.base_url)

    def count(self, account: str) -> int:
        """Return how many files wait for an account at any depth of its folders, files for GRDF included."""
        with in_words(self.base_url, account):
            return len(entries.within(self._path(self._folder(account)))) + self.proofs.count(account)

    def remove_all(self, account: str) -> int:
        """Remove an account's folders with all that is in them, files for GRDF included, and return how many files."""
        proofs = self.proofs.remove(account)
        with in_words(self.base_url, account):
            return proofs + entries.remove(self._path(self._folder(account)))

    def remove_old(self, before: datetime) -> int:
        """Remove all that has not changed for long, at any depth, but files for GRDF. Return the number of files.

        A failed run may have left answers. In ``import/``, an editor or an SFTP program may have left copies, which
        hold what a file of households held.

        :param before: since when they have not changed, aware
        """
        removed, base = 0, self._path(self.base_url)
        with in_words(self.base_url, None):
            for path in entries.within(base):
                with suppress(FileNotFoundError):  # it has just gone
                    if (
                        not path.path.startswith(f"{base.path}/{PROOFS}/")
                        and entries.changed(path) < before.timestamp()
                    ):
                        path.unlink()
                        removed += 1
        return removed

    def _own(self, account: str, reference: str) -> ObjectStoragePath:
        """Return where an account's answers are. Users can change what a task was given: it may name any file.

        :raises FailNow: if it is not a file that :meth:`put` makes for this account
        """
        folder, _, name = reference.rpartition("/")
        if folder != self._folder(account) or not _is_staged(name):
            raise FailNow.about(
                cause=f"the staged answers at {redact_address(reference)} are not in this account's folder of "
                f"{self.base_url}",
                account=account,
                next_step=EXTRACT_AGAIN,
            )
        return self._path(reference)

    def _folder(self, account: str) -> str:
        # No account id has a tilde.
        return f"{self.base_url}/{account}{'~' if account in (IMPORTS, PROOFS) else ''}"

    def _path(self, reference: str) -> ObjectStoragePath:
        return ObjectStoragePath(reference)


def _is_staged(name: str) -> bool:
    return bool(name) and not name.startswith(".")
