"""The consent under which an answer was read. A household may give a new one before the answer is stored.

The days of an answer are stored all the same, unless the account is another household's by then. What follows from it
about the history (that it was read, which days are missing) is true only for the consent under which it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.gas.answers.words import day_in
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text


def consent_of(entry: Mapping[str, Any] | None) -> Consent | None:
    """Return the consent that is stored with an answer.

    :param entry: made by :meth:`Consent.as_json`
    :return: ``None`` if ``entry`` is not a consent
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("pce"), str):
        return None
    right, unusable, others, accepted = (
        entry.get(key) for key in ("id_accreditation", "unusable", "others", "accepted")
    )
    former = [consent_of(other) for other in others] if isinstance(others, list) else []
    first, end, calls_until = (day_in(entry.get(key)) for key in ("first", "end", "calls_until"))
    return Consent(
        entry["pce"],
        right if isinstance(right, str) else None,
        first,
        end,
        calls_until,
        unusable=unusable if isinstance(unusable, str) else "",
        accepted=accepted if isinstance(accepted, bool) else None,
        others=tuple(other for other in former if other is not None),
    )


def is_under(asked: Consent | None, held: Consent | None) -> bool:
    """Return whether an answer was read under the account's present consent.

    :param asked: the consent under which the answer was read; ``None`` if unknown
    :param held: the account's present consent for the meter; ``None`` if there is none
    """
    return asked is not None and held is not None and asked.id_accreditation == held.id_accreditation


def is_own(asked: Consent | None, held: Consent | None, read_at: str) -> bool:
    """Return whether an answer belongs to the household that has the account now.

    A deletion frees the account's id, and cannot end a worker that is cut off from Airflow: its answer may come when
    the id is another household's.

    :param asked: the consent under which the answer was read; ``None`` if unknown
    :param held: the account's present consent for the meter; ``None`` if there is none
    :param read_at: when GRDF was asked, as ISO text
    """
    if held is None:
        return False
    if asked is not None and asked.own and not held.own:
        # No account forgets a right that it brought. One that has none yet is another household's, or was restored from
        # before its right was learnt; then the days are read again.
        return False
    if asked is None or not asked.own:
        # Which right it was is unknown, as for the konnector's accounts. Whoever brought one later is somebody else, or
        # has its days read again.
        try:
            return not held.brought or utc_text(read_at) >= utc_text(held.brought)
        except (ValueError, OverflowError):
            return False
    return bool(asked.own & held.own)
