"""The commands of a page of documentation, as a person would type them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

BLOCK = re.compile(r"(?m)^ *```sh\n(.*?)^ *```$", re.DOTALL)


def commands(page: Path) -> dict[str, list[str]]:
    parts = re.split(r"(?m)^## (.*)$", page.read_text(encoding="utf-8"))
    return {title: [*map(dedent, BLOCK.findall(text))] for title, text in zip(parts[1::2], parts[2::2], strict=True)}


class Shell:
    """A shell in which blocks are typed one after another: what one defines, the next ones know."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env
        self._typed: list[str] = []

    def run(self, block: str, *, seconds: float) -> str:
        """Run a block; definitions of functions in former blocks are typed again before it."""
        script = "\n".join(["set -eu", *self._typed, block])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder, env=dict(self._env), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=seconds,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        self._typed += re.findall(r"(?m)^\w+\(\) \{.*\}$", block)
        return done.stdout
