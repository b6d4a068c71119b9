"""Questions to GRDF about refusals that its list contradicts (ADICT 3.7): one wrong answer must stop nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from grdf.airflow.retries import SOON
from grdf.airflow.tasks.run import Run
from grdf.quota.call_terms import DAILY, Terms
from include.gas.errors import GasError, RefusalDoubted, RetryLater, RightLost, RightTooNarrow
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from grdf.ledger.rights_ledger import Ledger


def confirm_refusals(
    problems: Iterable[GasError], ledger: Ledger, client: AdictHook, account: str, pce: str, terms: Terms = DAILY
) -> list[GasError]:
    """Return a meter's problems; refusals that GRDF's list contradicts, or without a list, are temporary."""
    from grdf.ledger.rights_query import query_rights

    found = list(problems)
    if not any(_is_refusal(problem) for problem in found):
        return found
    tag = meter_tag(account, pce)
    try:
        meter = query_rights(ledger, client, [pce], account=account, terms=terms).meters[pce]
    except GasError:
        cause = f"GRDF refuses meter {tag}, perhaps by mistake, and its list of rights cannot be asked"
    else:
        if not any(right.state == "active" for right in meter.rights_of(account)):
            return found
        cause = f"GRDF refuses meter {tag} although its own list says that the consent is active"
    return [RefusalDoubted.about(account, f"{cause}: {each.cause}") if _is_refusal(each) else each for each in found]


def is_last_attempt(run: Run, problem: RetryLater) -> bool:
    """Return whether this run does not ask about a problem again."""
    return run.is_last_try or (isinstance(problem, RefusalDoubted) and run.try_number >= SOON)


def _is_refusal(problem: GasError) -> bool:
    return isinstance(problem, RightLost | RightTooNarrow)
