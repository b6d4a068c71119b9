"""A file that is sent to GRDF as the proof of a consent, and what GRDF takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

MOST: Final = 3
"""Files for one right (ADICT 3.6)."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""Size of one file (ADICT 3.6)."""
ENDINGS: Final = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
"""The kinds of files that we send, by media type, with the ending of their names."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A file whose content was checked.

    :param content: the file itself
    :param kind: its media type, one of :data:`ENDINGS`
    """

    content: bytes = field(repr=False)
    kind: str

    @property
    def digest(self) -> str:
        """What tells its content from another one's, as 32 hexadecimal digits."""
        return digest_of(self.content)

    def name(self, place: int) -> str:
        """Return the name under which GRDF gets it. The name that a person gave it may name somebody.

        :param place: its place among the files that are sent together, from 1
        """
        return f"preuve-{place}.{ENDINGS[self.kind]}"


def digest_of(content: bytes) -> str:
    """Return the :attr:`ProofFile.digest` of a file with this content."""
    return sha256(content).hexdigest()[:32]
