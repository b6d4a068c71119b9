"""What a careful user would write with the PyPI packages ``lowatt-grdf`` and ``cloudant``, following their pages.

Each document is saved separately: ``with Document(…)`` fetches it, checks whether it exists, and puts it. So corrected
days are replaced. Totals are summed from the stored days of the requested years.
"""

from __future__ import annotations

import warnings
from datetime import date
from typing import Any

from lowatt_grdf import api

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import database_name, day_id, id_range, month_id, year_id
from tests.bench.peers_scene import ACCOUNT
from tests.bench.peers_ways import Way

with warnings.catch_warnings():  # importing it warns that the package is no longer maintained
    warnings.simplefilter("ignore", DeprecationWarning)
    from cloudant.client import CouchDB
    from cloudant.document import Document


class Lowatt(Way):
    """``lowatt-grdf`` reads, ``cloudant`` saves document by document."""

    name = "lowatt-grdf + cloudant, saved one by one"

    def run(self, run: str) -> None:
        first, end = self.site.window(run)
        lines = self._client().donnees_consos_informatives(self.site.pce, f"{first}", f"{end}")
        place = self.site.place
        couch = CouchDB(*place.auth, url=place.url, connect=True)
        try:
            self._save(couch, lines)
        finally:
            couch.disconnect()

    def _client(self) -> Any:
        grdf = self.site.grdf

        class Sandbox(api.API):
            scope = "/adict/v2"
            api = grdf.base
            _auth_endpoint = grdf.token_url

        return Sandbox(grdf.client_id, grdf.client_secret)

    def _save(self, couch: Any, lines: list[dict[str, Any]]) -> None:
        days, months, years = (couch[database_name(each, self.site.place.prefix)] for each in (DAY, MONTH, YEAR))
        told = {
            date.fromisoformat(line["consommation"]["journee_gaziere"]): line["consommation"]["energie"]
            for line in lines
            if line["consommation"] and line["consommation"]["energie"] is not None
        }
        for day, load in told.items():
            self._put(days, day_id(ACCOUNT, self.site.pce, day), load, day.year, day.month, day.day)
        sums: dict[tuple[int, int], int] = {}
        for year in {day.year for day in told}:
            start, end = id_range(ACCOUNT, self.site.pce, date(year, 1, 1), date(year + 1, 1, 1))
            for row in days.all_docs(startkey=start, endkey=end, include_docs=True)["rows"]:
                month = (year, row["doc"]["month"])
                sums[month] = sums.get(month, 0) + row["doc"]["load"]
        for (year, month), load in sums.items():
            if month in {day.month for day in told if day.year == year}:
                self._put(months, month_id(ACCOUNT, self.site.pce, year, month), load, year, month, 1)
        for year in {day.year for day in told}:
            load = sum(each for month, each in sums.items() if month[0] == year)
            self._put(years, year_id(ACCOUNT, self.site.pce, year), load, year, 1, 1)

    def _put(self, database: Any, key: str, load: float, year: int, month: int, day: int) -> None:
        with Document(database, key) as document:
            document.update(
                account=ACCOUNT, pce=self.site.pce, load=load, year=year, month=month, day=day, hour=0, minute=0
            )
