"""Print ``file:line what is wrong and what to do`` for each finding, and end with 1 if there is one."""

from __future__ import annotations

import sys
from pathlib import Path

from lint import RULES


def main(root: Path) -> int:
    """Check a copy of this repository, and return the exit code."""
    findings = sorted(found for rule in RULES for found in rule(root))
    sys.stdout.writelines(f"{found}\n" for found in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[1]))
