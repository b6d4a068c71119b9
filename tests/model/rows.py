"""Fixed faults that two audits have found, each with a short life in which it shows and its old behaviour.

``was`` restores the old behaviour, so that a test can check that the model finds the fault again. If the module that
came with the fix does not exist, the row is not fixed: lives that break the truth with its signs are then ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tests.model.leader import Life, Step

if TYPE_CHECKING:
    import pytest

Was = Callable[["pytest.MonkeyPatch"], None]


@dataclass(frozen=True)
class Row:
    """A fault.

    :param number: its row in the issue
    :param signs: the messages of the broken truth that it causes
    :param life: a life in which it shows
    :param was: restores the old behaviour
    :param mend: a module, or a name in one, that came with the fix
    """

    number: int
    signs: str
    life: Life
    was: Was
    mend: str

    @property
    def is_mended(self) -> bool:
        """Whether the fault is fixed."""
        module, _, name = self.mend.partition(":")
        return find_spec(module) is not None and (not name or hasattr(import_module(module), name))


def connect(account: str, *meters: int, back: int = 20, ahead: int = 400, calls: int = 400, more: str = "") -> Step:
    """Return the step by which a household connects on the page."""
    return ("connect", account, list(meters), "page", back, ahead, calls, more)


def _by_meter(patch: pytest.MonkeyPatch) -> None:
    """An account took over any right in force on its meter, whoever had given it."""
    from include.gas.answers.access_rights import usable_right
    from include.gas.consents.consent import Consent
    from include.gas.rights import consent_check

    own = consent_check.told

    def told(consent: Any, rights: Any, today: Any, asked_at: Any) -> Any:
        right = usable_right(rights, consent.pce, today)
        return Consent.of_right(right) if right else own(consent, rights, today, asked_at)

    patch.setattr(consent_check, "told", told)


def _longest(patch: pytest.MonkeyPatch) -> None:
    """Of several rights, the one that lasts longest was used, whatever its perimeter."""
    from include.gas.answers.access_rights import is_usable
    from include.gas.consents.consent import Consent
    from include.gas.rights import consent_check

    own = consent_check.told

    def told(consent: Any, rights: Any, today: Any, asked_at: Any) -> Any:
        usable = [right for right in rights if right.id in consent.own and is_usable(right, today)]
        if not usable:
            return own(consent, rights, today, asked_at)
        return Consent.of_right(max(usable, key=lambda right: right.last or today))

    patch.setattr(consent_check, "told", told)


def _snapshot(patch: pytest.MonkeyPatch) -> None:
    """The meters that an account had before a call to GRDF were written back after it."""
    from grdf.operators import extract
    from include.gas.account.account import Account
    from include.gas.account.own_meters import with_consents

    asks = extract.record_dates

    def record_dates(adict: Any, accounts: Any, account: Any, terms: Any) -> Any:
        known = Account.from_document(asks(adict, accounts, account, terms))
        before = {meter.pce for meter in account.meters}
        meters = [meter for meter in known.meters if meter.pce in before]
        return accounts.update(account.id, lambda document: with_consents(document, meters))

    patch.setattr(extract, "record_dates", record_dates)


def _under_any(patch: pytest.MonkeyPatch) -> None:
    """What an answer says about a history was noted for whichever consent the account had by then."""
    from grdf.meters import notes
    from include.gas.account.sections.whole_history import with_history

    def note_history(document: dict[str, Any], answer: Any) -> dict[str, Any]:
        held = notes.meter_of(document, answer.pce)
        if held is None or not answer.history_from:
            return document
        return with_history(document, held, date.fromisoformat(answer.history_from), answer.read_at)

    patch.setattr("grdf.meters.saving.note_history", note_history)

    def history_read(document: dict[str, Any], consent: Any, _now: Any = None) -> bool:
        """Compare ids only. Today's check would notice that the consent covers more than was read."""
        entry = (document.get("history") or {}).get(consent.pce)
        return entry is not None and entry["id_accreditation"] == consent.id_accreditation

    for place in (
        "grdf.meters.notes",
        "grdf.operators.extract",
        "grdf.consents.lists.consent_dates",
        "grdf.meters.book_check",
    ):
        patch.setattr(f"{place}.history_read", history_read)
    patch.setattr("grdf.meters.notes.is_under", lambda _asked, held: held is not None)


def _believed(patch: pytest.MonkeyPatch) -> None:
    """A refusal was believed whatever GRDF's list said, and the resulting mark stayed."""
    from include.gas.account.sections.rights.lost_consents import meters_lost
    from include.gas.rights import consent_check

    today = consent_check.compared

    def compared(document: Any, *args: Any, **options: Any) -> Any:
        found = today(document, *args, **options)
        if not found.restored or meters_lost(document):
            return found
        kept = {key: value for key, value in document.items() if key.startswith("state")}
        return replace(found, restored=False, document={**found.document, **kept})

    patch.setattr("grdf.consents.lists.doubt.Doubt.weigh", lambda _self, _meter, problems: list(problems))
    for place in (
        "include.gas.rights.consent_check",
        "grdf.consents.lists.consent_dates",
        "grdf.consents.owners.taking",
    ):
        patch.setattr(f"{place}.compared", compared)


def _after_one_answer(patch: pytest.MonkeyPatch) -> None:
    """A single answer that lacked a day, requested when it was old enough, settled that GRDF does not have that day."""
    from include.gas.documents import gaps

    today = gaps._gap

    def gap(*args: Any) -> Any:
        found = today(*args)
        settled = sorted(day for run in (*found.none_days, *(run for _, run in found.once)) for day in run.days())
        return replace(
            found, awaited=found.awaited + found.none - len(settled), none=len(settled), awaited_from=found.ask_from,
            none_days=gaps._runs(settled), once=(),
        )  # fmt: skip

    patch.setattr(gaps, "_gap", gap)


ROWS = (
    Row(
        1,
        r"names a right|does not allow|revokes a right|is called|a right that \w+ gave stands",
        ("2026-04-20", [connect("alder", 0), ("days", 1), ("move", 0, "alder", "birch", "page"), ("days", 2)]),
        _by_meter,
        "include.gas.rights.own_rights",
    ),
    Row(
        4,
        r"lacks|misses",
        (
            "2026-04-20",
            [connect("alder", 0, back=40, ahead=-3, calls=1100), ("days", 1), connect("alder", 0, more="beside")],
        ),
        _longest,
        "include.gas.rights.own_rights",
    ),
    Row(
        5,
        r"lacks|misses",
        (
            "2026-04-20",
            [
                connect("alder", 0, back=5),
                ("extract", "alder", "manual"),
                connect("alder", 0, back=60),
                ("load", "alder"),
            ],
        ),
        _under_any,
        "include.gas.consents.read_under",
    ),
    Row(
        6,
        r"has forgotten",
        (
            "2026-04-20",
            [
                connect("alder", 0),
                ("meanwhile", 2, connect("alder", 1)),
                ("extract", "alder", "manual"),
                ("load", "alder"),
            ],
        ),
        _snapshot,
        "include.gas.rights.own_rights",
    ),
    Row(
        7,
        r"lacks|misses",
        ("2026-04-20", [("hole", 0, 30, 4), connect("alder", 0, back=40), ("days", 1)]),
        _after_one_answer,
        "include.gas.documents.gaps:_gap",
    ),
    Row(
        15,
        r"is called|lacks|misses",
        ("2026-04-20", [connect("alder", 0), ("refuse", 0, 0), ("days", 1)]),
        _believed,
        "grdf.consents.lists.doubt",
    ),
)


FOUND = {
    "an id_token that was too old kept an account's other meters from being read": (
        "2026-04-20",
        [
            connect("alder", 0, 1),
            ("days", 1),
            ("revoke", 0, "alder", "TITULAIRE"),
            ("days", 1),
            ("between", "alder", ("connect", "alder", [0], "cozy", 20, 400, 400, "")),
        ],
    ),
}
"""Lives that the model found by itself. They used to go wrong and now go well."""


def is_known(untrue: object) -> bool:
    """Return whether a broken truth shows the signs of a row that is not fixed yet.

    :param untrue: the message of the broken truth
    """
    said: Any = str(untrue).partition("\n")[0]
    return any(not row.is_mended and re.search(row.signs, said) for row in ROWS)
