"""Cozy's own client, ``cozy-stack-client`` from npm, which is asked in a process of its own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from include.sandbox.couch import install_node_modules, node_binary

HERE = Path(__file__).parent


@cache
def _packages() -> str:
    return str(install_node_modules(manifests=HERE))


@dataclass(frozen=True)
class Client:
    url: str
    user: str
    password: str = field(repr=False)
    prefix: str

    def ask(
        self,
        doctype: str,
        selector: dict[str, Any] | None = None,
        *,
        pages: int = 9,
        seconds: float = 60,
        **options: Any,
    ) -> dict[str, Any]:
        """Ask page after page. Return ``pages``, ``sent`` and ``ms`` of each request."""
        order = asdict(self) | {
            "packages": _packages(), "doctype": doctype, "selector": selector,
            "options": options, "pages": pages, "all": selector is None,
        }  # fmt: skip
        done = subprocess.run(
            [str(node_binary()), str(HERE / "ask.js")],
            input=json.dumps(order), capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert "error" not in answer, answer
        return answer
