"""The picture of the comparison with other ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.plots import Bars

Tables = Mapping[str, list[dict[str, Any]]]


def charts(tables: Tables) -> list[Bars]:
    """Return the picture.

    :param tables: the tables of the report of ``./grdf bench peers``
    """
    groups = {
        name: {row["way"].replace(": ", ":\n").replace(", ", ",\n"): row["of floor"] for row in tables[name]}
        for name in ("First import", "Daily run")
    }
    return [Bars("peers", "One household, from GRDF to CouchDB", "time, in times the floor", groups)]
