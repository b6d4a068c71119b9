"""What a file is, by its content: whoever prepared it may have given it any name."""

from __future__ import annotations

import threading

from grdf.staging.judge_process import word_for
from include.gas.errors import RetryLater
from include.gas.proof.proof_file import MOST_BYTES, ProofFile

SCANS = 100
"""Parts of which a JPEG file may build up its picture. Cameras and programs write some ten; each takes as long to check
as a picture of its own."""
PATIENCE = 5.0
"""Seconds to wait for the check of another file."""
_SCAN = b"\xff\xda"
_JPEG = b"\xff\xd8\xff"
_KINDS = {"pdf": "application/pdf", "png": "image/png", "jpeg": "image/jpeg", "mpo": "image/jpeg"}
"""MPO is what Pillow calls a JPEG file with a second picture behind the first, as some phones make them. Every program
that shows JPEG files shows the first."""
_WRONG = {
    "pdf": {
        "damaged": "is a PDF that cannot be read",
        "locked": "is a PDF that needs a password",
        "empty": "is a PDF without pages",
        "costly": "is a PDF that takes too long or too much memory to read; print it to a new PDF file, or use a "
        "picture of it",
    },
    "picture": {
        "damaged": "is a picture that cannot be read",
        "large": "is a picture with more than 50 million pixels",
        "costly": "is a picture that takes too long or too much memory to read; save it anew as a smaller PNG or "
        "JPEG file",
    },
}

_ONE_AT_A_TIME = threading.Lock()
"""A picture takes up to 600 MB while it is checked, and the page checks for several people at once."""


class NotAProof(ValueError):
    """A file that GRDF would not take. The text is a clause that follows the name or place of the file."""


def checked(content: bytes) -> ProofFile:
    """Return a file as a proof.

    :param content: the file
    :raises NotAProof: if it is empty, too large, damaged, made to be slow, or neither PDF nor PNG nor JPEG
    :raises RetryLater: if other files are being checked, or the program that reads them cannot be started
    """
    if not content:
        raise NotAProof("is empty")
    if len(content) > MOST_BYTES:
        raise NotAProof("is larger than 4 MB")
    if content.startswith(_JPEG) and content.count(_SCAN) > SCANS:
        raise NotAProof(f"is a picture in more than {SCANS} scans; save it anew as an ordinary JPEG file")
    if not _ONE_AT_A_TIME.acquire(timeout=PATIENCE):
        raise RetryLater.about(None, "other files are being checked at this moment", "Try again in a minute.")
    try:
        return _judged(content)
    finally:
        _ONE_AT_A_TIME.release()


def _judged(content: bytes) -> ProofFile:
    if b"%PDF-" in content[:1024]:
        what = "pdf"
    elif content.startswith((b"\x89PNG\r\n\x1a\n", _JPEG)):
        what = "picture"
    else:
        raise NotAProof("is neither a PDF nor a PNG nor a JPEG file")
    word = word_for(content, what)
    if (kind := _KINDS.get(word)) is None:
        raise NotAProof(_WRONG[what].get(word, _WRONG[what]["damaged"]))
    return ProofFile(content, kind)
