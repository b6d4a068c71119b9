"""A file sent to GRDF as the proof of a consent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MOST: Final = 3
"""Files for one right (ADICT 3.6)."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""Size of one file (ADICT 3.6)."""
ENDINGS: Final = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
"""Media types that we send, with the ending of their names."""
_STARTS: Final = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class NotAProof(ValueError):
    """A file that GRDF would not take. The text is a clause that follows the file's name."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A file whose content was checked; ``kind`` is one of :data:`ENDINGS`."""

    content: bytes = field(repr=False)
    kind: str

    def name(self, place: int) -> str:
        """Return the file's name for GRDF, by its place from 1: its own may name a person."""
        return f"preuve-{place}.{ENDINGS[self.kind]}"


def check_proof_file(content: bytes) -> ProofFile:
    """Return a file as a proof, by its first bytes; ``NotAProof`` unless PDF, PNG or JPEG of a possible size."""
    if len(content) > MOST_BYTES:
        raise NotAProof("is larger than 4 MB")
    for start, kind in _STARTS.items():
        if content.startswith(start):
            return ProofFile(content, kind)
    raise NotAProof("is neither a PDF nor a PNG nor a JPEG file")
