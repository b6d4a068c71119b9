"""The first step of an account's DAG: from the household's grant to its meters."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.account import Account
from include.gas.account.grant import Code, IdToken, with_id_token, without_grant
from include.gas.account.own_meters import with_meters
from include.gas.account.sections.rights.declaration import entered_again
from include.gas.account.state import with_error
from include.gas.errors import (
    BadAccount,
    FailNow,
    GrantRefused,
    IdTokenRefused,
    MeterTaken,
    QuotaWait,
    RetryLater,
    StoreBusy,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from grdf.hooks.oauth import GrdfOAuthHook
    from include.gas.answers.access_rights import Rights
    from include.gas.consents.consent import Consent
    from include.gas.documents.gas_days import Document


class AcquireTokenOperator(AccountOperator):
    """On the first launch, turns the account's grant or declaration into its meters. Later, checks that they are known.

    The grant is an ``id_token`` (of an account that cozy-stack or our own page has connected) or an authorization code
    that must still be exchanged. The ``id_token`` is verified before it is used. Once the meters are stored, the tokens
    that led to them are removed from the document, because nothing needs them again.

    If the ``id_token`` is refused, or the document cannot be read, the account's meters stay as they were.

    An account with a ``declaration`` has its right declared at GRDF, once (see
    ``grdf.consents.declarations.declaring``). Then the run ends, until the contract's holder has accepted it.

    ``client`` is the hook for the account's client, from the moment on at which its document was read.
    """

    client: AdictHook

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the account, how many meters it has, and whether this was its first launch
        :raises IdTokenRefused: if the ``id_token`` fails its checks
        :raises GrantRefused: if GRDF does not accept the code
        :raises BadAccount: if there is no grant, or the document is invalid
        """
        document = self.accounts.document(self.account_id)
        account = Account.from_document(document)
        if account.leaving:
            raise AirflowSkipException(f"Account {account.id} is leaving: nothing is read for it any more.")
        self.client = self.adict.of(document)
        run = Run.of(context)
        if account.waits_for_person and run.is_scheduled:
            raise AirflowSkipException(
                f"Account {account.id} is waiting for its household ({account.state}), so GRDF is not asked. "
                f"{account.message} A run started by hand tries anyway."
            )
        # What GRDF has refused is not sent again before a person has corrected it or starts a run.
        declares = account.declares and not (account.refused and run.is_scheduled)
        if declares or (account.was_sent and not account.meters):
            if account.declares and not (run.is_scheduled or run.is_backfill):  # somebody still wants it
                self.accounts.update(account.id, partial(entered_again, now=datetime.now(UTC)))
            launched = self._launch(account) if account.needs_grant else None
            return self._declare(self.accounts.account(account.id) if launched else account, run)
        if not account.needs_first_launch:
            self.log.info("Account %s: its %d meter(s) are known.", account.id, len(account.meters))
            return {"account": account.id, "meters": len(account.meters), "first_launch": False}
        return self._launch(account)

    def _launch(self, account: Account) -> dict[str, Any]:
        """Turn the account's grant into its meters."""
        try:
            token = exchanged(self.client.oauth, account)
            consents = consents_of(self.client.oauth, token, account.id)
        except FailNow as error:
            if isinstance(error, IdTokenRefused) and account.reads_on:
                _stop_if_other(self.accounts.document(account.id), account)
                return self._read_on(account, error)
            self._note(account, error, without_grant if isinstance(error, GrantRefused) else dict)
            raise
        changed = self._take(account, token, consents)
        meters = len(Account.from_document(changed).meters)
        self.log.info("Account %s: first launch, the household consented for %d meter(s).", account.id, len(consents))
        if meters > len(consents):
            self.log.info("Account %s: %d other meter(s) that it had before stay.", account.id, meters - len(consents))
        return {"account": account.id, "meters": meters, "first_launch": True}

    def _declare(self, account: Account, run: Run) -> dict[str, Any]:
        """Have the account's right declared. Its other meters are still read, whatever GRDF says."""
        from grdf.consents.declarations.declaring import Declaring

        try:
            right = Declaring(self.couchdb, self.client, account.id).declare()
        except QuotaWait:
            raise
        except (FailNow, RetryLater) as error:
            is_tried_again = isinstance(error, RetryLater) and not run.is_last_try
            if not (is_tried_again or account.state or isinstance(error, BadAccount)):  # the id may be another's by now
                self.accounts.mark(account.id, error, partial=bool(account.meters))
            if is_tried_again or not account.reads_on:
                raise
            self.log.warning("%s Its known meters are still read, under the consents that they have.", error)
            return {"account": account.id, "meters": len(account.meters), "first_launch": False}
        meters = self.accounts.account(account.id).meters
        if all(meter.lost for meter in meters):
            raise AirflowSkipException(
                f"Account {account.id}: the contract's holder has to accept the right in GRDF's e-mail. Nothing to do: "
                "grdf_waiting_rights looks for the answer and then starts a run."
            )
        return {"account": account.id, "meters": len(meters), "first_launch": not right.waits}

    def _read_on(self, account: Account, error: IdTokenRefused) -> dict[str, Any]:
        """Put aside a newer consent that cannot be trusted, since the meters that are known can still be read."""
        if error.expired:  # it never becomes valid again, and tokens must not be left behind
            self.accounts.update(
                account.id, lambda stored: without_grant(stored, token=True) if _same_grant(stored, account) else stored
            )
        self.log.warning("%s Its known meters are still read, under the consents that they have.", error)
        return {"account": account.id, "meters": len(account.meters), "first_launch": False}

    def _take(self, account: Account, token: IdToken, consents: tuple[Consent, ...]) -> Document:
        """Store the meters, unless another account has one of them under a consent that is in force."""
        from grdf.consents.owners.taking import take

        now = datetime.now(UTC)

        def write() -> Document:
            return self.accounts.update(
                account.id,
                lambda stored: _changed(stored, account, lambda document: with_meters(document, consents, now)),
            )

        def ask(pces: list[str]) -> Rights:
            return self.client.listed_rights(pces, account=account.id)

        try:
            return take(self.couchdb, account.id, consents, write, ask=ask, adict=self.client)
        except RetryLater:
            if isinstance(account.grant, Code):  # the code is used up: the next try uses its id_token
                self.accounts.update(
                    account.id, lambda stored: with_id_token(stored, token) if _same_grant(stored, account) else stored
                )
            raise
        except MeterTaken as error:
            # The household's grant is used up. If it stayed, every morning would take it for a new one.
            self._note(account, error, partial(without_grant, token=True))
            raise

    def _note(self, account: Account, error: FailNow, change: Callable[[Document], Document]) -> None:
        """Note what came of an account's grant, and what a person must do, with one write.

        After a first write the grant would tell nobody any more whose account it is, if its id is given to another
        household.
        """
        now, some = datetime.now(UTC), bool(account.meters) and isinstance(error, MeterTaken)

        def noted(document: Document) -> Document:
            return with_error(change(document), error, since=now, partial=some)

        self.accounts.update(account.id, lambda stored: _changed(stored, account, noted))


def _same_grant(document: Document, account: Account) -> bool:
    return Account.from_document(document).grant == account.grant


def _changed(stored: Document, account: Account, change: Callable[[Document], Document]) -> Document:
    """Return an account's document, changed by what came of its grant.

    :raises StoreBusy: if it has another grant by now: the account may have been deleted, and its id be given to another
        household
    """
    _stop_if_other(stored, account)
    return change(stored)


def _stop_if_other(stored: Document, account: Account) -> None:
    if not _same_grant(stored, account):
        raise StoreBusy.about(account.id, "it was connected again while GRDF was asked about its former grant")


def consents_of_grant(oauth: GrdfOAuthHook, account: Account) -> tuple[Consent, ...]:
    """Return the household's consents, read from the verified ``id_token`` of an account's grant.

    :param account: an account with a grant
    :raises IdTokenRefused: if the ``id_token`` fails its checks or names no meter
    :raises GrantRefused: if there is no grant, or GRDF does not accept the code
    """
    return consents_of(oauth, exchanged(oauth, account), account.id)


def exchanged(oauth: GrdfOAuthHook, account: Account) -> IdToken:
    """Return the ``id_token`` of an account's grant, not yet verified. Exchange the code if the grant is one.

    :param account: an account with a grant
    :raises GrantRefused: if there is no grant, or GRDF does not accept the code
    """
    grant = account.required_grant()
    if isinstance(grant, IdToken):
        return grant
    return IdToken(oauth.exchange_code(grant.code, grant.redirect_uri, account=account.id), grant.nonce)


def consents_of(oauth: GrdfOAuthHook, token: IdToken, account_id: str) -> tuple[Consent, ...]:
    """Verify an ``id_token`` and return the household's consents in it.

    :raises IdTokenRefused: if the ``id_token`` fails its checks or names no meter
    """
    consents = oauth.consents_of(token.token, account=account_id, nonce=token.nonce)
    if not consents:
        raise IdTokenRefused.about(
            cause="the id_token names no meter: the household came back from GRDF without choosing one",
            account=account_id,
            next_step="Let the household connect again and choose a meter.",
        )
    return consents
