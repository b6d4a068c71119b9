"""Makes the copy of a household's data that it can take along."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from grdf import settings
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.ledger.rights_ledger import Ledger
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.group_store import GroupStore
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import AUDIT, DAY
from include.gas.household_copy.green_button import green_button
from include.gas.household_copy.own_documents import OwnDocuments
from include.gas.household_copy.tables import (
    FIGURES,
    GROUPS,
    KEPT,
    METERS,
    RECORDS,
    RIGHTS,
    Table,
    meter_rows,
    record_rows,
    right_rows,
    to_csv,
    to_json,
)
from include.gas.household_copy.words import fill_readme, kept_rows
from include.gas.leaving.deletion import check_nothing_removed

TEXTS = Path(__file__).parent / "texts"
READMES = {
    "en": ("README.txt", "the operator of this service"),
    "fr": ("LISEZ-MOI.txt", "l’exploitant de ce service"),
}
"""The README in each language, and who reads the meters if ``[grdf] third_party`` does not say so."""


def make_copy(couchdb: CouchDBHook, account: str) -> tuple[bytes, dict[str, int]]:
    """Return an account's copy as a ZIP, and how many lines its tables have.

    One kind of documents is read and written after the other.

    :raises BadAccount: if there is no account
    :raises AccountLeaving: if its deletion has begun to remove what is stored: the copy would lack some
    """
    document, ledger, made = AccountStore(couchdb).read_document(account), Ledger(couchdb), datetime.now(UTC)
    meters = {meter.pce: meter for meter in ledger.meters_of_account(account)}
    own = OwnDocuments(account, meters.values(), shared=settings.meter_in_several_accounts())
    written, numbers, third_party = BytesIO(), dict[str, int](), settings.third_party()
    with ZipFile(written, "w", ZIP_DEFLATED) as copy:

        def add(name: str, table: Table, rows: list[Document]) -> None:
            numbers[name] = len(rows)
            copy.writestr(f"{name}.csv", to_csv(table, rows))
            copy.writestr(f"{name}.json", to_json(table, rows))

        for name, (doctype, table) in FIGURES.items():
            documents = own.choose(doctype, couchdb.range(doctype, *account_range(account)))
            add(name, table, documents)
            if doctype == DAY:
                copy.writestr("green-button.xml", green_button(account, documents, by=third_party or "GRDF", made=made))
        add("meters", METERS, meter_rows(document, ledger.access_of(document, meters)))
        add("rights", RIGHTS, right_rows(account, meters.values()))
        add("records", RECORDS, record_rows(ConsentRecords(couchdb).records_of(account)))
        groups = GroupStore(couchdb).read_groups(account).items()
        add("groups", GROUPS, [{"dimension": dimension, "group": group} for dimension, group in groups])
        texts = json.loads((TEXTS / "kept.json").read_text(encoding="utf-8"))
        years = settings.days_kept_years()
        kept = kept_rows(
            texts, numbers, record_days=settings.consent_record_days(),
            days_years=years if years < settings.KEEP_ALL else None,
        )  # fmt: skip
        add("kept", KEPT, kept)
        for language, (name, nobody) in READMES.items():
            said = (f"{row['data']}: {row[language]}" for row in kept)
            text = (TEXTS / name).read_text(encoding="utf-8")
            copy.writestr(name, fill_readme(text, said, by=third_party or nobody, made=made))
    # After all is read: a deletion notes what it will remove before it does, and removes the account last.
    AccountStore(couchdb).read_document(account)
    check_nothing_removed(account, couchdb.range(AUDIT, *account_range(account)))
    return written.getvalue(), numbers
