"""What a person reads on the form when their declaration is refused, in their language and beside the field."""

from __future__ import annotations

import logging

from grdf.page.html.catalogue import Texts
from grdf.page.security import Visitor, viewable
from include.gas.errors import DeclarationRefused, FailNow, MeterTaken

log = logging.getLogger(__name__)

FIELDS = {
    "1000000004": ("pce", "contract"),
    "1000000005": ("postcode", "postcode"),
    "1000000006": ("pce", "meter"),
    "1000000022": ("perimeters", "perimeters"),
}
"""The field and the text for GRDF's codes (ADICT 3.6)."""


def refusal_texts(error: FailNow, t: Texts, visitor: Visitor | None) -> dict[str, str]:
    """Return what is wrong by field; the field ``""`` is the form as a whole.

    :param error: why nothing was declared
    :param visitor: the Airflow user who reads it; ``None`` for a household, which learns nothing about other accounts
    """
    log.warning("%s", error)
    if isinstance(error, MeterTaken):
        log.warning("Account %s: the other account is %s.", error.account, error.holder)
        return {"": t("direct.refused"), "pce": _taken(error, t, visitor)}
    if isinstance(error, DeclarationRefused) and error.reason in FIELDS:
        field, text = FIELDS[error.reason]
        return {"": t("direct.refused"), field: t(f"direct.refused.{text}")}
    if isinstance(error, DeclarationRefused) and error.reason == DeclarationRefused.ANOTHER:
        if visitor is None:
            return {"": t("direct.refused"), "name": t("direct.refused.another.household")}
        told = t("direct.refused.another.record", records=error.records) if error.records else ""
        return {"": t("direct.refused"), "name": f"{t('direct.refused.another')} {told}".strip()}
    if isinstance(error, DeclarationRefused) and error.reason == DeclarationRefused.EXISTS:
        if visitor is None:
            return {"": t("direct.refused"), "pce": t("direct.refused.taken.household")}
        return {"": t("direct.refused"), "pce": t("direct.refused.exists")}
    if visitor is None:
        return {"": t("direct.refused.our_side")}
    return {"": t("direct.refused.other", cause=str(error))}


def _taken(error: MeterTaken, t: Texts, visitor: Visitor | None) -> str:
    if visitor is None:
        return t("direct.refused.taken.household")
    if error.holder and viewable(visitor, [error.holder]):
        return t("direct.refused.taken.named", holder=error.holder)
    return t("direct.refused.taken")
