"""The section ``status``: a copy of what the ledger says of the account's meters, which any run may write anew.

Whom to ask about goes by it; what may be asked for and stored goes by the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from include.gas.account.sections.section import Section, members, put, read, written
from include.gas.documents.gas_days import Document
from include.gas.rights.meter_rights import Held


class Status(Section, frozen=True):
    """What is known of an account, as of the last look.

    :param meters: what the account has of each meter, by meter
    """

    key: ClassVar[str] = "status"

    meters: dict[str, Held]

    @classmethod
    def held(cls, document: Mapping[str, Any]) -> dict[str, Held]:
        """Return what an account document says of its meters. Entries that cannot be read are left out."""
        entries = members(members(document.get(cls.key)).get("meters")).items()
        return {pce: held for pce, entry in entries if (held := read(Held, entry)) is not None}

    @classmethod
    def with_held(cls, document: Mapping[str, Any], held: Iterable[Held]) -> Document:
        """Return the account document with what it has of its meters, instead of the former entries."""
        entries = {each.pce: written(each) for each in held}
        others = {key: value for key, value in members(document.get(cls.key)).items() if key != "meters"}
        return put(document, cls.key, (others | {"meters": entries} if entries else others) or None)
