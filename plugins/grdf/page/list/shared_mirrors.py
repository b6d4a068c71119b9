"""The mirrors of accounts, meters and figures that all requests to this process share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from grdf import settings
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_mirror import AccountMirror
from include.gas.city.figures import Figure, figure_of
from include.gas.display.account_summary import AccountSummary, summarize_account
from include.gas.documents.doctypes import CITY, METER
from include.gas.rights.meter_rights import Meter


def _meter(document: dict[str, Any]) -> Meter | None:
    """Return a meter; ``None`` if unreadable, as the health check reports."""
    try:
        return msgspec.convert(document, Meter)
    except msgspec.ValidationError:
        return None


def _figure(document: dict[str, Any]) -> Figure | None:
    """Return a figure without who was counted, which is most of it and never shown."""
    figure = figure_of(document)
    return msgspec.structs.replace(figure, lists=()) if figure else None


_shared = AccountMirror(lambda document: summarize_account(document, settings.reread_days.or_default()), patience=1)
_meters = AccountMirror(_meter, patience=1, doctype=METER)
_figures = AccountMirror(_figure, patience=1, doctype=CITY)


def account_mirror() -> AccountMirror[AccountSummary]:
    """Return this process's mirror of the accounts in ``couchdb``."""
    return _shared


def all_meters() -> Collection[Meter]:
    """Return all meters in ``couchdb``; ``GasError`` if it cannot be used."""
    return _meters.lines().values()


def all_figures() -> Collection[Figure]:
    """Return all published figures in ``couchdb``; ``GasError`` if it cannot be used."""
    return _figures.lines().values()


def couchdb() -> CouchDBHook:
    """Return this process's hook for ``couchdb``; ``GasError`` if the connection cannot be used."""
    return account_mirror().couchdb
