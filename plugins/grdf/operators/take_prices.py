"""Takes over the prices of gas, from an operator's file or Cozy's table, once they are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.documents.doctypes import PRICES
from include.gas.documents.prices import GAS, PriceTable, price_documents, read_price_documents, read_price_file
from include.gas.errors import BadRequest, BadSettings

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context

    from grdf.hooks.couchdb import CouchDBHook


class TakePricesOperator(GrdfOperator):
    """Checks the price table, and stores it where loads read it. Loads restate what it changes."""

    def perform(self, context: Context) -> int:
        """Return the number of prices; ``BadRequest`` if one is wrong: the last good table holds then."""
        table = read_prices(self.couchdb)
        if settings.price_file():
            self._fill_table(table)
        former = self.ledger.read_prices()
        if former.prices and not table.prices:
            raise BadRequest.about(
                None,
                "com-grandlyon-fluidsprices has no price of gas any more, as after a loss",
                "The last prices hold. Restore them; or if there are to be none, remove ~prices from "
                "com-grandlyon-grdf-meter.",
            )
        if table != former:
            self.ledger.store_prices(table)
        self.log.info("Prices of gas: %d%s.", len(table.prices), ", changed" if table != former else "")
        return len(table.prices)

    def _fill_table(self, table: PriceTable) -> None:
        """Let Cozy's table have the prices of the file alone."""
        stored = {each["_id"]: each for each in self.couchdb.scan(PRICES) if each.get("fluidType") == GAS}
        wanted = {each["_id"]: stored.get(each["_id"], {}) | each for each in price_documents(table)}
        gone = [
            {"_id": key, "_rev": each["_rev"], "_deleted": True} for key, each in stored.items() if key not in wanted
        ]
        self.couchdb.write(PRICES, gone + [each for key, each in wanted.items() if each != stored.get(key)])


def read_prices(couchdb: CouchDBHook) -> PriceTable:
    """Return the prices in the file or else in Cozy's table; ``BadRequest`` or ``BadSettings`` if they are wrong."""
    file = settings.price_file()
    return read_price_file(_content(file)) if file else read_price_documents(couchdb.scan(PRICES))


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadSettings.about(
            None,
            f"the file of [grdf] price_file, {file}, cannot be read ({error.strerror})",
            "Put it there, readable for the user that runs Airflow's tasks on this machine. The last prices hold.",
        ) from None
