"""What passed, what was skipped and for want of what, in one line, from the JUnit files that pytest writes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

PACKAGE = re.compile(r"apt-get install ((?:[a-z0-9][a-z0-9.+-]* ?)+)")


@dataclass
class Outcome:
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.counts + other.counts, self.reasons + other.reasons)

    @classmethod
    def read(cls, file: Path) -> Outcome | None:
        if not file.exists():
            return None
        (suite,) = ElementTree.parse(file).getroot()
        names = {"failed": "failures", "in error": "errors", "skipped": "skipped"}
        counts = Counter({ours: int(suite.attrib[name]) for ours, name in names.items()})
        counts["passed"] = int(suite.attrib["tests"]) - counts.total()
        return cls(counts, Counter(each.attrib["message"] for each in suite.iter("skipped")))

    def line(self) -> str:
        names = [name for name in ("failed", "in error") if self.counts[name]]
        parts = [", ".join(f"{self.counts[name]} {name}" for name in ("passed", *names))]
        packages: Counter[str] = Counter()
        others: Counter[str] = Counter()
        for reason, number in self.reasons.items():
            wanted = " ".join(sorted({name for text in PACKAGE.findall(reason) for name in text.split()}))
            (packages if wanted else others)[wanted or reason] += number
        parts += [f"{number} skipped for want of {wanted}" for wanted, number in sorted(packages.items())]
        parts += [f"{number} skipped: {reason}" for reason, number in sorted(others.items())]
        if packages:
            names = sorted({name for wanted in packages for name in wanted.split()})
            parts.append(f"run 'apt-get install {' '.join(names)}' as root for the whole suite")
        return "; ".join(parts)
