"""Files of an operator's own that wait to be sent to GRDF as proofs of an account's consents.

They lie in the folder ``proofs/<account>`` of the staging store, put there by hand or by :meth:`ProofFiles.put`, and
stay until GRDF has taken them or the account is deleted. Messages name a file by its place in the order of the names: a
name that a person chose may name somebody.
"""

from __future__ import annotations

import secrets
import time

from grdf.staging.folder import Folder
from include.gas.errors import ProofNotSent
from include.gas.proof.proof_file import ENDINGS, MOST, MOST_BYTES, NotAProof, ProofFile, check_proof_file

PROOFS = "proofs"


class ProofFiles(Folder):
    """The files of one account.

    :param base_url: the setting ``[grdf] staging_url``
    """

    def __init__(self, base_url: str, account: str) -> None:
        super().__init__(base_url, f"{PROOFS}/{account}", account)
        self.account = account

    def put(self, proof: ProofFile) -> None:
        """Store a file behind those that wait already."""
        self.write(f"{time.time_ns()}-{secrets.token_hex(4)}.{ENDINGS[proof.kind]}", proof.content)

    def checked(self) -> dict[str, ProofFile]:
        """Return the files that wait by their names, in the order of these; as many as GRDF takes.

        :raises ProofNotSent: if GRDF would not take one of them
        """
        found: dict[str, ProofFile] = {}
        for place, name in enumerate(names := self.names()[:MOST], 1):
            try:
                found[name] = check_proof_file(self.read(name, MOST_BYTES + 1) or b"")
            except NotAProof as error:
                cause = (
                    f"file {place} of {len(names)} in {PROOFS}/{self.account} of [grdf] staging_url, by name, {error}"
                )
                step = "Nothing was sent. Replace or remove it, then start grdf_send_proof with this account."
                raise ProofNotSent.about(self.account, cause, step) from None
        return found
