"""Under which consent GRDF was asked: a household may give another one before the answer is stored.

The days of an answer are stored whatever has happened since. What it says of a history (that it is read, which days are
missing) is true of the consent that it was read under, and of no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.gas.answers.words import day_in
from include.gas.consents.consent import Consent


def consent_of(entry: Mapping[str, Any] | None) -> Consent | None:
    """Read the consent that an answer carries.

    :param entry: made by :meth:`Consent.as_json`; None of an answer that was staged before answers carried it
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("pce"), str):
        return None
    right, unusable, others = (entry.get(key) for key in ("id_accreditation", "unusable", "others"))
    former = [consent_of(other) for other in others] if isinstance(others, list) else []
    first, end, calls_until = (day_in(entry.get(key)) for key in ("first", "end", "calls_until"))
    return Consent(
        entry["pce"],
        right if isinstance(right, str) else None,
        first,
        end,
        calls_until,
        unusable=unusable if isinstance(unusable, str) else "",
        others=tuple(other for other in former if other is not None),
    )


def is_under(asked: Consent | None, held: Consent | None) -> bool:
    """Return whether an answer was read under the consent that an account holds now.

    :param asked: the consent that the answer was read under; None when it is not known
    :param held: the account's present consent on that meter, or None
    """
    return asked is not None and held is not None and asked.id_accreditation == held.id_accreditation
