"""Asks GRDF for the rights to some meters. Only its answer about a meter ends a right."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from grdf import settings
from grdf.hooks.adict import AdictHook
from grdf.ledger.rights_ledger import Ledger
from grdf.quota.call_terms import DAILY, Terms
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.errors import BadRequest, BadSettings
from include.gas.rights.meter_rights import Meter
from include.gas.rights.transitions import RightsAnswer, apply_answer, is_of_another_client

log = logging.getLogger(__name__)

MOST = 1000
"""Meters in one question (ADICT 3.6)."""
SPLIT = 10
"""Halvings of a refused question: enough to find one meter in a thousand."""


@dataclass(slots=True)
class RightsFound:
    """GRDF's answer about some meters, as noted in the ledger."""

    rights: list[AccessRight] = field(default_factory=list)
    meters: dict[str, Meter] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When GRDF was asked last."""


def query_rights(
    ledger: Ledger,
    client: AdictHook,
    pces: Collection[str],
    *,
    account: str = "",
    witness: str = "",
    terms: Terms = DAILY,
) -> RightsFound:
    """Ask GRDF for a client's rights to some meters, a thousand in a call, and note its answer.

    :param account: for messages; without one, refused questions and unreadable meters are logged and left out
    :param witness: a meter whose right GRDF's list has just shown, added to each question: an answer that shows it is
        believed, even if it shows none of the others
    :raises BadSettings: if an answer shows none of three rights and more that the client has to these meters
    :raises GasError: if GRDF does not answer; earlier answers stay noted
    """
    found, wanted = RightsFound(), sorted(set(pces))
    most, split = MOST - bool(witness), 0
    questions = [wanted[at : at + most] for at in range(0, len(wanted), most)]
    while questions:
        asked, at = questions.pop(0), datetime.now(UTC)
        found.at, with_witness = at, list(dict.fromkeys([*asked, *filter(None, [witness])]))
        try:
            answer = client.query_rights(with_witness, account=account, terms=terms)
        except BadRequest as error:  # one meter is not to GRDF's liking: the others must not wait for it
            if len(asked) == 1 or split >= SPLIT:
                if account:
                    raise
                log.error("%s GRDF was not asked about %d meter(s).", error, len(asked))
                continue
            split += 1
            questions[:0] = [asked[: len(asked) // 2], asked[len(asked) // 2 :]]
            continue
        if len(asked) > 1:  # one meter's answer is never doubted, and costs no request more
            known = ledger.fetch_readable_meters(with_witness)
            if is_of_another_client(known, client.grdf_conn_id, answer):
                raise another_client_error(client.grdf_conn_id)
        found.rights += answer.rights
        for pce in asked:
            lines = [right for right in answer.rights if right.pce == pce]
            about = RightsAnswer(
                client.grdf_conn_id, lines, utc_text(at), paris_today(at),
                whole=True, complete=not answer.odd, shared=settings.meter_in_several_accounts(),
            )  # fmt: skip
            event = partial(apply_answer, answer=about)
            found.meters |= {pce: ledger.apply(pce, event)} if account else ledger.apply_if_readable(pce, event)
    return found


def another_client_error(client: str) -> BadSettings:
    """Return the error about an answer of GRDF's that shows none of a client's rights."""
    return BadSettings.about(
        None,
        f"GRDF's answer shows none of the rights that the client of {client} has, as if it were about another client's",
        "No account was changed. Compare login and password of the connection with those that GRDF sent for this "
        "client, and if they are right, ask GRDF.",
    )
