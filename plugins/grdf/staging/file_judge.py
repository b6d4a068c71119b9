"""Reads one file of a stranger's, as a program of its own that is started for it, and says in a word what it is.

A file of some KB can keep its reader busy for hours and fill the memory. So the process that serves people reads none
itself: see :mod:`grdf.staging.judge_process`. This program imports nothing of Airflow's or ours, so that it starts
quickly and knows no secret.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import warnings
from contextlib import suppress
from io import BytesIO

PIXELS = 50_000_000
"""A page at 600 dots per inch has 35 million."""
READY = "ready"
"""What is said when the libraries are imported: whatever happens after it is the file's doing."""
COSTLY = "costly"
_FORMATS = ("PNG", "JPEG")


def read_pdf(content: bytes) -> str:
    """Return ``pdf``, or what is wrong with the file: ``damaged``, ``locked``, ``empty`` or :data:`COSTLY`."""
    from pypdf import PdfReader

    try:
        document = PdfReader(BytesIO(content))
        if document.is_encrypted and not document.decrypt(""):
            return "locked"
        return "pdf" if len(document.pages) else "empty"
    except MemoryError:
        return COSTLY
    except Exception:  # noqa: BLE001 - a damaged file fails in any way
        return "damaged"


def read_picture(content: bytes) -> str:
    """Return ``png``, ``jpeg`` or ``mpo``, or what is wrong with the file: ``damaged``, ``large`` or :data:`COSTLY`."""
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(BytesIO(content), formats=_FORMATS) as image:
            warnings.simplefilter("ignore")
            width, height = image.size
            if width * height > PIXELS:
                return "large"
            image.load()
            return str(image.format).lower()
    except MemoryError:
        return COSTLY
    except Exception:  # noqa: BLE001 - a damaged file fails in any way
        return "damaged"


def main() -> None:
    """Say :data:`READY`, read the file on standard input, and say the word for it.

    The arguments are ``pdf`` or ``picture``, the most seconds of a processor, the most seconds by the clock, the most
    bytes of memory, and the folders with the libraries.
    """
    what, processor, clock, memory, *folders = sys.argv[1:]
    sys.path += folders
    if what == "pdf":
        import pypdf  # noqa: F401 - before the limits, so that they are the file's alone
    else:
        from PIL import Image

        Image.preinit()
    signal.alarm(int(clock))  # should whoever started this be gone
    for limit, most in (
        (resource.RLIMIT_CPU, int(processor)),
        (resource.RLIMIT_AS, int(memory)),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),  # what is left of a crash would be a copy of the file
    ):
        _, hard = resource.getrlimit(limit)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError):  # macOS refuses a limit on addresses; Linux takes any that is lower
            resource.setrlimit(limit, (least, least))
    _say(READY)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries quote what they cannot read
    _say((read_pdf if what == "pdf" else read_picture)(sys.stdin.buffer.read()))


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
