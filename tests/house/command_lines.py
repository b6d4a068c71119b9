"""What the commands of containers show on command lines, which all users of the machine can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


def words_of(*commands: Any) -> Iterator[str]:
    """Yield the words of commands that are written as text or as lists."""
    for command in commands:
        yield from [command] if isinstance(command, str) else command or ()


def told_to_programs(word: str) -> set[str]:
    """Return the variables that a shell puts into command lines. It assigns and echoes by itself."""
    word = re.sub(r'\w+="\$+\{?\w+\}?" |(?:echo|printf)(?: [^;|&>]*)', "", word)
    return set(re.findall(r"\$\{?([A-Z]\w+)", word))
