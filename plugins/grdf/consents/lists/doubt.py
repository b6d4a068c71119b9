"""Refusals that GRDF's own list of rights contradicts. They are neither believed nor ignored.

GRDF occasionally refuses a meter whose right it lists as active (ADICT 3.7). If refusals were believed, one wrong
answer would stop a household's data until the household acts, and a fault of an hour would ask hundreds of households
to consent again. So the list is asked before a refusal becomes the household's concern: once per task, and only if
something was refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf.consents.lists.consent_dates import with_dates
from grdf.quota.terms import DAILY, Terms
from include.gas.days.gas_day import paris_today
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    ConsentInDoubt,
    ConsentLost,
    ConsentTooNarrow,
    GasError,
    NotInForce,
    RefusalDoubted,
    RetryLater,
)
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.run import Run
    from grdf.hooks.adict import AdictHook
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.account.account import Account
    from include.gas.consents.consent import Consent
from grdf.airflow.retries import SOON


class Doubt:
    """Compares the refusals of one account's meters with GRDF's list.

    :param account: the account as it was when GRDF was asked for its data
    :param listed: whether GRDF's list was already asked in this task, so that ``account`` contains its result
    :param terms: how a call for the list waits for GRDF's quota
    """

    def __init__(
        self, adict: AdictHook, accounts: AccountStore, account: Account, *, listed: bool, terms: Terms = DAILY
    ) -> None:
        self._adict = adict
        self._accounts = accounts
        self._account = account
        self._listed = listed
        self._terms = terms
        self._unheard = False

    def weigh(self, meter: Consent, problems: Iterable[GasError]) -> list[GasError]:
        """Return the problems of a meter, where each refusal that the list contradicts becomes a temporary problem.

        If the list cannot be asked, a refusal remains what it is: the next morning's list removes its mark again. Only
        code 1000003, which GRDF's cache may answer wrongly, is not believed without the list.

        :param meter: the meter, with the consent under which it was read
        """
        return [self._weighed(meter, problem) for problem in problems]

    def _weighed(self, meter: Consent, problem: GasError) -> GasError:
        refused = isinstance(problem, ConsentLost | ConsentTooNarrow) and not isinstance(problem, NotInForce)
        if not refused:
            return problem
        tag = meter_tag(self._account.id, meter.pce)
        if not self._stands(meter):
            if not (self._unheard and isinstance(problem, ConsentInDoubt)):
                return problem
            cause = (
                f"GRDF refuses meter {tag}, perhaps by mistake, and its list of rights cannot be asked: {problem.cause}"
            )
            return RefusalDoubted.about(self._account.id, cause)
        cause = f"GRDF refuses meter {tag} although its own list says that the consent is active: {problem.cause}"
        return RefusalDoubted.about(self._account.id, cause)

    def _stands(self, meter: Consent) -> bool:
        if not (self._listed or self._unheard):
            try:
                self._account = with_dates(self._adict, self._accounts, self._account, self._terms)
                self._listed = True
            except (AccountLeaving, BadAccount):
                raise
            except GasError:
                self._unheard = True
        today = paris_today(datetime.now(UTC))
        return self._listed and any(
            own.pce == meter.pce and own.id_accreditation == meter.id_accreditation and own.usable(today)
            for own in self._account.meters
        )


def is_over(run: Run, problem: RetryLater) -> bool:
    """Return whether this run does not ask about a problem again.

    :param problem: a problem that may be temporary
    """
    return run.is_last_try or (isinstance(problem, RefusalDoubted) and run.try_number >= SOON)
