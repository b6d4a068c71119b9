"""How much of ``include/`` and ``plugins/`` the tests run through, by lines and branches: ``./grdf test --cov``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

SETTINGS = """
[run]
branch = true
parallel = true
source =
    {root}/include
    {root}/plugins
data_file = {folder}/data
patch =
    subprocess
    fork
    _exit
disable_warnings = no-data-collected,module-not-measured,already-imported,couldnt-parse

[report]
precision = 1
skip_empty = true
"""


class Coverage:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".grdf" / "coverage"
        self.settings = self.folder / "settings"

    def start(self) -> tuple[str, ...]:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.settings.write_text(SETTINGS.format(root=self.root, folder=self.folder), encoding="utf-8")
        return ("-m", "coverage", "run", f"--rcfile={self.settings}")

    def report(self) -> str:
        self._coverage("combine", "--quiet")
        print(self._coverage("report"), flush=True)
        self._coverage("json", "--quiet", "-o", str(self.folder / "coverage.json"))
        total = json.loads((self.folder / "coverage.json").read_text(encoding="utf-8"))["totals"]
        return (
            f"coverage of include/ and plugins/: {total['percent_covered']:.1f} % of lines and branches "
            f"({total['covered_lines']} of {total['num_statements']} lines, "
            f"{total['covered_branches']} of {total['num_branches']} branches)"
        )

    def _coverage(self, command: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "coverage", command, f"--rcfile={self.settings}", *arguments],
            cwd=self.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"grdf: coverage {command}: {done.stdout}{done.stderr}")
        return done.stdout
