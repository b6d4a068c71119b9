"""Which documents under an account are its household's: what a run has still to remove may be another household's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from include.gas.days.windows import ONE_DAY, Window
from include.gas.documents.billing.periods import is_allowed, period_of
from include.gas.documents.day_documents import Document, day_if_own, has_load
from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
from include.gas.rights.meter_rights import Meter, allowed_days


class OwnDocuments:
    """Chooses an account's documents; months and years after days and periods, which say what they sum."""

    def __init__(self, account: str, meters: Iterable[Meter], *, shared: bool) -> None:
        self._allowed: dict[str, tuple[Window, ...]] = {}
        self._others: dict[str, list[Window]] = {}
        self._mixed: set[str] = set()
        for meter in meters:
            self._allowed[meter.pce] = allowed_days(meter, account, shared=shared)
            others = {right.account for right in meter.rights} - {"", account}
            self._others[meter.pce] = [window for other in others for window in allowed_days(meter, other)]

    def choose(self, doctype: str, documents: Iterable[Document]) -> list[Document]:
        """Return those that are readable and the household's own."""
        return [each for each in documents if has_load(each) and (day := day_if_own(each, doctype))
                and self._is_own(doctype, each, day)]  # fmt: skip

    def _is_own(self, doctype: str, document: Document, day: date) -> bool:
        if doctype in (MONTH, YEAR):
            return document["_id"] not in self._mixed
        period = period_of(document) if doctype == PUBLISHED else None
        span = period.window if period else Window(day, day + ONE_DAY)
        of_meter, _, _ = str(document["_id"]).rpartition(":")
        if self._is_foreign(of_meter.partition(":")[2], span):
            self._mixed |= {f"{of_meter}:{day.isoformat()[:length]}" for day in span.days() for length in (4, 7)}
            return False
        return True

    def _is_foreign(self, pce: str, span: Window) -> bool:
        """Whether days are not covered by an own right, and come after its first day or are another household's.

        What is older, and nobody else's, was adopted from the konnector.
        """
        allowed = self._allowed.get(pce, ())
        if is_allowed(span, allowed):
            return False
        others = self._others.get(pce, ())
        return any(span.end > each.first for each in allowed[:1]) or any(span.clip(o.first, o.end) for o in others)
