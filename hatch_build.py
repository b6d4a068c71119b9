"""Build the wheel: the layout of this repository becomes one package, ``grdf``, that can be beside anything in Airflow.

``dags/``, ``plugins/`` and ``include/`` are folders of an Airflow project. Installed as they are, ``include`` would be
a package in ``site-packages``, where most projects have a folder of that name themselves (Astro's layout): either of
the two would hide the other. So in the wheel ``include/gas`` is ``grdf/gas``, the DAG files are in ``grdf/dags``, and
each ``include.gas`` in the sources is written ``grdf.gas``. Nothing else is changed.
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
"""What is in the wheel, and where: paths here, and paths in the wheel."""
OURS = re.compile(r"\binclude\.gas\b")


class WheelLayout(BuildHookInterface[Any]):
    """Puts the parts together in a temporary folder, and hands that to the builder."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the parts together. An editable installation (``./grdf setup``) leaves everything where it is."""
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
    """Copy a part, with the names that its modules have in the wheel.

    :param source: a folder, or a Python file
    :param target: where to put it
    """
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
