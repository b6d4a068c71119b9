"""An operator's own files that wait to be sent to GRDF as proofs."""

from __future__ import annotations

import secrets
import time

from grdf.staging.folder import Folder
from include.gas.errors import ProofNotSent
from include.gas.proof.proof_file import ENDINGS, MOST, MOST_BYTES, NotAProof, ProofFile, check_proof_file

PROOFS = "proofs"


class ProofFiles(Folder):
    """The files of one account."""

    def __init__(self, base_url: str, account: str) -> None:
        super().__init__(base_url, f"{PROOFS}/{account}", account)
        self.account = account

    def put(self, proof: ProofFile) -> None:
        """Store a file after those that wait."""
        self.write(f"{time.time_ns()}-{secrets.token_hex(4)}.{ENDINGS[proof.kind]}", proof.content)

    def checked(self) -> dict[str, ProofFile]:
        """Return the waiting files by name, as many as GRDF takes; ``ProofNotSent`` if it would refuse one."""
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
