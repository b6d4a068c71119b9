"""Takes over the prices of gas, from an operator's file or Cozy's table, once they are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.documents.doctypes import PRICES
from include.gas.documents.prices import GAS, PriceTable, price_documents, read_price_documents, read_price_file
from include.gas.errors import BadSettings

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context


class TakePricesOperator(GrdfOperator):
    """Checks the price table, and stores it where loads read it. Loads restate what it changes."""

    def perform(self, context: Context) -> int:
        """Return the number of prices; ``BadRequest`` if one is wrong: the last good table holds then."""
        if file := settings.price_file():
            self._fill_table(read_price_file(_content(file)))
        table = read_price_documents(self.couchdb.scan(PRICES))
        changed = self.ledger.store_prices(table)
        self.log.info("Prices of gas: %d%s.", len(table.prices), ", changed" if changed else "")
        return len(table.prices)

    def _fill_table(self, table: PriceTable) -> None:
        """Let Cozy's table have the prices of the file alone."""
        stored = {each["_id"]: each for each in self.couchdb.scan(PRICES) if each.get("fluidType") == GAS}
        wanted = {each["_id"]: stored.get(each["_id"], {}) | each for each in price_documents(table)}
        gone = [
            {"_id": key, "_rev": each["_rev"], "_deleted": True} for key, each in stored.items() if key not in wanted
        ]
        self.couchdb.write(PRICES, gone + [each for key, each in wanted.items() if each != stored.get(key)])


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadSettings.about(
            None,
            f"the file of [grdf] price_file, {file}, cannot be read ({error.strerror})",
            "Put it there, readable for the user that runs Airflow's tasks on this machine. The last prices hold.",
        ) from None
