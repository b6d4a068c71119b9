"""Refusals that GRDF's own list of rights contradicts: not believed, and not passed over either.

GRDF refuses now and then a meter whose right it lists as active (ADICT 3.7). Believed, one wrong answer would
stop a household's data until it acts, and an hour's fault would tell hundreds of households to consent again. So the
list is asked before a refusal becomes the household's business: once a task, and only when something was refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf.consents.consent_dates import with_dates
from grdf.quota.terms import DAILY, Terms
from include.gas.days.gas_day import paris_today
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    ConsentLost,
    ConsentTooNarrow,
    GasError,
    NotInForce,
    RefusalDoubted,
    RetryLater,
)
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.run import Run
    from grdf.hooks.adict import AdictHook
    from grdf.stores.account_store import AccountStore
    from include.gas.account.account import Account
    from include.gas.consents.consent import Consent
from grdf.airflow.retries import SOON


class Doubt:
    """Hold the refusals of one account's meters against GRDF's list.

    :param adict: the hook that asks
    :param accounts: the account documents
    :param account: the account as GRDF was asked for its data
    :param listed: whether GRDF's list was asked in this task already, and ``account`` says what it said
    :param terms: on what terms a call for the list waits for GRDF's quota
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
        """Return the problems of a meter, with each refusal that the list contradicts as one that may pass.

        When the list cannot be asked, a refusal stays what it is: the next morning's list takes its mark away again.

        :param meter: the meter, under the consent it was read under
        :param problems: what went wrong with it
        """
        return [self._weighed(meter, problem) for problem in problems]

    def _weighed(self, meter: Consent, problem: GasError) -> GasError:
        refused = isinstance(problem, ConsentLost | ConsentTooNarrow) and not isinstance(problem, NotInForce)
        if not refused or not self._stands(meter):
            return problem
        tag = meter_tag(self._account.id, meter.pce)
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
    """Return whether a problem is not asked about again by this run.

    :param run: the run that the task is part of
    :param problem: what may pass
    """
    return run.is_last_try or (isinstance(problem, RefusalDoubted) and run.try_number >= SOON)
