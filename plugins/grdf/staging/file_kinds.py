"""What a file is, by its content: whoever prepared it may have given it any name."""

from __future__ import annotations

import logging
import threading
import warnings
from io import BytesIO

from include.gas.errors import RetryLater
from include.gas.proof.proof_file import MOST_BYTES, ProofFile

PIXELS = 50_000_000
"""A page at 600 dots per inch has 35 million."""
SCANS = 100
"""Parts of which a JPEG file may build up its picture. Cameras and programs write some ten; each takes as long to check
as a picture of its own."""
PATIENCE = 5.0
"""Seconds to wait for the check of another file."""
_SCAN = b"\xff\xda"
_FORMATS = ("PNG", "JPEG")
_JPEG = b"\xff\xd8\xff"
_IMAGES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg"}
"""MPO is what Pillow calls a JPEG file with a second picture behind the first, as some phones make them. Every program
that shows JPEG files shows the first."""


_ONE_AT_A_TIME = threading.Lock()
"""A picture takes 200 MB while it is checked, and the page checks for several people at once."""


class NotAProof(ValueError):
    """A file that GRDF would not take. The text is a clause that follows the name or place of the file."""


def checked(content: bytes) -> ProofFile:
    """Return a file as a proof.

    :param content: the file
    :raises NotAProof: if it is empty, too large, damaged, made to be slow, or neither PDF nor PNG nor JPEG
    :raises RetryLater: if other files are being checked
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
        _check_pdf(content)
        return ProofFile(content, "application/pdf")
    if content.startswith((b"\x89PNG\r\n\x1a\n", _JPEG)):
        return ProofFile(content, _image_kind(content))
    raise NotAProof("is neither a PDF nor a PNG nor a JPEG file")


def _check_pdf(content: bytes) -> None:
    from pypdf import PdfReader

    talker = logging.getLogger("pypdf")
    level = talker.level
    talker.setLevel(logging.CRITICAL)  # it quotes what it cannot read
    try:
        document = PdfReader(BytesIO(content))
        locked = document.is_encrypted and not document.decrypt("")
        pages = 0 if locked else len(document.pages)
    except Exception:  # noqa: BLE001 - a damaged file fails in any way
        raise NotAProof("is a PDF that cannot be read") from None
    finally:
        talker.setLevel(level)
    if locked:
        raise NotAProof("is a PDF that needs a password")
    if not pages:
        raise NotAProof("is a PDF without pages")


def _image_kind(content: bytes) -> str:
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(BytesIO(content), formats=_FORMATS) as image:
            warnings.simplefilter("ignore")
            width, height = image.size
            if width * height <= PIXELS:
                image.load()
            kind = _IMAGES[str(image.format)]
    except Exception:  # noqa: BLE001 - a damaged file fails in any way
        raise NotAProof("is a picture that cannot be read") from None
    if width * height > PIXELS:
        raise NotAProof("is a picture with more than 50 million pixels")
    return kind
