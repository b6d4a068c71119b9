"""The cost of a fleet's processes: CPU seconds and memory, by component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

GONE = (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ProcessLookupError)
WORKER = "airflow worker -- LocalExecutor"
MIB = 1024 * 1024
SIZES = {"rss": "Rss:", "pss": "Pss:", "anon": "Pss_Anon:"}
"""The measures of a process's memory, with their lines in Linux's ``smaps_rollup``."""


def cpu_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of components with their children. LocalExecutor's workers count separately."""
    used: dict[str, float] = {}
    for name, root in roots.items():
        below: set[int] = set()  # workers and what they fork
        for process in _tree(root):
            with suppress(*GONE):
                if name == "scheduler" and (process.ppid() in below or WORKER in _title(process)):
                    below.add(process.pid)
                times = process.cpu_times()
                spent = times.user + times.system + times.children_user + times.children_system
                role = "tasks" if process.pid in below else name
                used[role] = used.get(role, 0.0) + spent
    return used


def memory(roots: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Return the memory of components in MiB, without processes of tasks.

    RSS counts shared memory in full, PSS divides it. "anon" is the part of PSS without file or sharing: it grows with
    what a process keeps.
    """
    found: dict[str, dict[str, float]] = {}
    for name, pid in roots.items():
        for process in _tree(pid):
            with suppress(*GONE):
                role = _role(name, pid, process)
                if role is None:
                    continue
                sizes = _memory(process.pid)  # first: the process may be gone
                sums = found.setdefault(role, dict.fromkeys(SIZES, 0.0))
                for kind, size in sizes.items():
                    sums[kind] += size
    return {name: {kind: round(size, 1) for kind, size in sums.items()} for name, sums in found.items()}


def _role(name: str, root: int, process: psutil.Process) -> str | None:
    if process.pid == root:
        return name
    parent = process.ppid()
    if name == "scheduler":
        if WORKER not in _title(process):
            return "scheduler's helpers" if parent == root else None
        return "workers" if parent == root else None
    if name == "dag-processor":
        return None  # one for each pass over a file
    return name


def _memory(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    kilobytes = {words[0]: words[1] for words in map(str.split, lines)}
    return {kind: int(kilobytes.get(word, 0)) / 1024 for kind, word in SIZES.items()}


def _title(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def _tree(pid: int) -> Iterator[psutil.Process]:
    with suppress(*GONE):
        root = psutil.Process(pid)
        yield root
        yield from root.children(recursive=True)
