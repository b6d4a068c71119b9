"""Has a file read in a process of its own, with limits on its time and memory, that is gone when it has answered."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from grdf.staging.file_judge import COSTLY, READY
from include.gas.errors import RetryLater

PROCESSOR_SECONDS = 10
"""An ordinary scan of 4 MB takes less than two."""
CLOCK_SECONDS = 20.0
"""For a machine that is busy with other things."""
MEMORY = 2**30
"""Bytes of address space. A picture with as many pixels as one may have, in four colours, takes 600 MB."""

log = logging.getLogger(__name__)
_JUDGE = Path(__file__).with_name("file_judge.py")


def word_for(content: bytes, what: str) -> str:
    """Return the word of :mod:`grdf.staging.file_judge` for a file; ``costly`` too if it reached a limit or crashed.

    :param what: ``pdf`` or ``picture``
    :raises RetryLater: if the process could not be started
    """
    limits = [str(PROCESSOR_SECONDS), str(int(CLOCK_SECONDS) + 1), str(MEMORY)]
    folders = [folder for folder in sys.path if Path(folder).is_absolute()]
    # Isolated, and without the site's start-up files: a third of the time to start, and no code but the libraries'.
    command = [sys.executable, "-I", "-S", str(_JUDGE), what, *limits, *folders]
    try:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", env=_environment()
        ) as process:
            try:
                said, trouble = process.communicate(content, timeout=CLOCK_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                said, trouble = process.communicate()
            except BaseException:  # whoever waits is stopped: nothing may stay behind
                process.kill()
                raise
    except OSError as error:
        raise _not_started(type(error).__name__) from error
    words = said.decode("ascii", "replace").split()
    if words[:1] != [READY]:
        log.warning("A file could not be checked: the reader ended with %s: %s", process.returncode, _last(trouble))
        raise _not_started(f"it ended with {process.returncode}")
    return words[1] if len(words) > 1 else COSTLY


def _environment() -> dict[str, str]:
    """Return the environment of the process: without the secrets in ours, but with what a Python may need to start."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}


def _last(trouble: bytes) -> str:
    """Return the last line of a text. The process has not seen the file when it writes it."""
    return trouble.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]


def _not_started(why: str) -> RetryLater:
    return RetryLater.about(
        None,
        f"the program that reads files could not be started ({why})",
        "Try again in a minute. If this continues, see whether this machine has memory and processes left.",
    )
