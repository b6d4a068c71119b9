"""Raw ADICT answers between ``extract`` and ``load``: private, short-lived, never in XCom. One file per run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b

import msgspec

from grdf.staging.folder import Folder
from grdf.staging.proof_files import PROOFS, ProofFiles
from include.gas.days.windows import Window
from include.gas.errors import FailNow

EXTRACT_AGAIN = "Clear the task extract of this run, so that it and load run again."
IMPORTS = "import"
"""The folder of the files with households to import (``grdf.staging.imports``)."""
COPY = "copy.zip"
"""An account's copy for its household, beside its answers: a deletion removes all."""


class AnswersGone(FailNow):
    """Staged answers do not exist any more."""


@dataclass(frozen=True)
class StagedAnswer:
    """One raw answer of ADICT, requested at ``read_at`` (ISO 8601, UTC).

    :param history_from: the oldest gas day of a complete full read
    :param under: GRDF's ids of the account's rights then
    """

    pce: str = field(repr=False)
    window: Window
    read_at: str
    body: str = field(repr=False)
    history_from: date | None = None
    under: tuple[str, ...] = ()


class Staging:
    """Where answers wait, by account and run, below a place as for ``ObjectStoragePath``."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def put(self, account: str, run_id: str, answers: Sequence[StagedAnswer]) -> None:
        """Store a run's answers, in place of those of an earlier try."""
        self._folder(account).write(_name(run_id), msgspec.json.encode(answers))

    def get(self, account: str, run_id: str) -> list[StagedAnswer]:
        """Return a run's answers; ``AnswersGone`` if they do not exist any more, ``FailNow`` if unreadable."""
        folder, name = self._folder(account), _name(run_id)
        if (content := folder.read(name)) is None:
            raise AnswersGone.about(
                cause=f"the answers staged at {folder.url}/{name} are gone: loaded, removed, or on another disk",
                account=account,
                next_step="If tasks run on several machines, let [grdf] staging_url name a folder that all see, or an "
                f"object store (s3://...). {EXTRACT_AGAIN}",
            )
        try:
            return msgspec.json.decode(content, type=list[StagedAnswer])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise FailNow.about(
                account,
                f"the answers staged at {folder.url}/{name} cannot be read: the file was damaged or edited",
                f"A later run asks for these days again; to ask at once: {EXTRACT_AGAIN}",
            ) from None

    def remove(self, account: str, run_id: str) -> None:
        """Remove a run's answers. Missing ones are fine."""
        self._folder(account).remove(_name(run_id))

    def proofs(self, account: str) -> ProofFiles:
        """Return an account's files that wait to be sent to GRDF as proofs."""
        return ProofFiles(self.base_url, account)

    def put_copy(self, account: str, content: bytes) -> None:
        """Store the copy for an account's household, in place of a former one."""
        self._folder(account).write(COPY, content)

    def get_copy(self, account: str) -> bytes | None:
        """Return the copy for an account's household; ``None`` if there is none."""
        return self._folder(account).read(COPY)

    def remove_copy(self, account: str) -> None:
        """Remove the copy for an account's household. A missing one is fine."""
        self._folder(account).remove(COPY)

    def count(self, account: str) -> int:
        """Return how many files wait for an account, with proofs."""
        return self._folder(account).count() + self.proofs(account).count()

    def remove_all(self, account: str) -> int:
        """Remove an account's folders with all files, and return how many."""
        return self.proofs(account).remove_all() + self._folder(account).remove_all()

    def remove_old(self, before: datetime) -> int:
        """Remove old files but proofs, and return how many; editors and SFTP programs leave some in ``import/``."""
        return Folder(self.base_url).remove_old(before, keep=PROOFS)

    def remove_old_copies(self, before: datetime) -> int:
        """Remove old copies for households, and return how many."""
        return Folder(self.base_url).remove_old(before, keep=PROOFS, name=COPY)

    def _folder(self, account: str) -> Folder:
        # No account id has a tilde.
        return Folder(self.base_url, f"{account}~" if account in (IMPORTS, PROOFS) else account, account)


def _name(run_id: str) -> str:
    return blake2b(run_id.encode(), digest_size=12).hexdigest() + ".json"
