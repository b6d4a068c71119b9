"""Publishes figures about groups of households."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.account.marks import leaving_asker
from include.gas.account.status import is_building
from include.gas.city.figures import next_figures, whole_months
from include.gas.city.weather import WEATHER, read_weather, weather_document
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import CITY, MONTH

if TYPE_CHECKING:
    from airflow.sdk import Context


class PublishCityOperator(GrdfOperator):
    """Publishes the figures of groups and months that are settled and safe, and that were not published before."""

    def perform(self, context: Context) -> dict[str, int]:
        """Return how many figures were published, by dimension.

        :raises StoreBusy: if another run does it now
        :raises GasError: after that, if the temperatures cannot be read: the last ones hold
        """
        from grdf.stores.group_store import GroupStore

        store, today = GroupStore(self.couchdb), paris_today(datetime.now(UTC))
        stays = {
            str(each["_id"])
            for each in self.accounts.our_documents()
            if leaving_asker(each) is None and not is_building(each)
        }
        households = [each for each in store.all_groups() if each.account in stays and each.groups]
        uses = whole_months(self.couchdb.scan(MONTH), households)
        published = list(next_figures(households, uses, store.all_figures(), today, settings.smallest_group()))
        store.publish(published, households, uses)
        counts = Counter(each.dimension for each in published)
        self.log.info("%d households in groups; figures published: %s.", len(households), dict(counts) or "none")
        if place := settings.weather_url():
            self._take_weather(place)
        return dict(counts)

    def _take_weather(self, place: str) -> None:
        """Keep the degree days by which the page takes the weather out of the figures."""
        from grdf.hooks.temperatures import read_temperatures

        weather = read_weather(read_temperatures(place), settings.degree_day_base(), settings.heating_season())
        new = weather_document(weather)
        stored = self.couchdb.get(CITY, WEATHER) or {}
        if stored != stored | new:
            self.couchdb.put(CITY, stored | new)
