"""Build the wheel: one package ``grdf``.

An installed ``include`` would hide the folder of that name in most Airflow projects (Astro's layout). So
``include/gas`` becomes ``grdf/gas``, the DAG files ``grdf/dags``, and ``include.gas`` is written ``grdf.gas``.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = {
    "plugins/grdf": "grdf",
    "include/gas": "grdf/gas",
    "dags": "grdf/dags",
    "plugins/grdf_plugin.py": "grdf_plugin.py",
}
"""Paths here, and in the wheel."""
OURS = re.compile(r"\binclude\.gas\b")


class WheelLayout(BuildHookInterface[Any]):
    """Puts the parts together in a temporary folder, and hands that to the builder."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the parts together. An editable installation changes nothing."""
        if version == "editable":
            return
        self.folder = Path(tempfile.mkdtemp(prefix="grdf-wheel-"))
        for source, target in PARTS.items():
            put(Path(self.root) / source, self.folder / target)
        for name in sorted({target.split("/")[0] for target in PARTS.values()}):
            build_data["force_include"][str(self.folder / name)] = name

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        if version != "editable":
            shutil.rmtree(self.folder, ignore_errors=True)


def put(source: Path, target: Path) -> None:
    """Copy a folder or file, with the names that modules have in the wheel."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"), dirs_exist_ok=True)
        files = sorted(target.rglob("*.py"))
    else:
        shutil.copyfile(source, target)
        files = [target]
    for file in files:
        text = file.read_text(encoding="utf-8")
        if (renamed := OURS.sub("grdf.gas", text)) != text:
            file.write_text(renamed, encoding="utf-8")
