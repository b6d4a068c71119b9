"""Imports everything below a package, however deep its folders are."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType


def import_all(package: ModuleType) -> None:
    def refuse(name: str) -> None:
        raise ImportError(name)

    for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=refuse):
        import_module(found.name)
