"""The daily check of consents: one call for GRDF's list of rights, compared with every account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.announcing import announce
from grdf.airflow.run import Run
from grdf.airflow.waiting import waiting_for_grdf
from grdf.consents.consent_dates import claimed_rights, other_holders, unknown_meters
from grdf.meters.taking_back import take_back_foreign
from grdf.operators.base import GrdfOperator
from include.gas.account.account import Account
from include.gas.account.sections.announcements import announced_by, unannounced, with_announced
from include.gas.account.sections.rights.list_seen import missed_before, seen_at, with_missed, with_seen
from include.gas.account.sections.rights.lost_consents import GivenBack, SharedMeters, handed_over, with_given_back
from include.gas.account.sections.rights.proofs import Proof
from include.gas.account.state import state_message
from include.gas.days.gas_day import paris_today
from include.gas.errors import BadAccount, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.gas.rights.consent_brake import too_many
from include.gas.rights.consent_check import Listed, check_consents, to_give_back
from include.gas.rights.proof_check import proof_message

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.consents.long_waits import LongWaits
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.answers.access_rights import AccessRight
    from include.gas.rights.consent_check import Finding


class CheckConsentsOperator(GrdfOperator):
    """Asks GRDF once for all our rights, then updates every account's state and the dates of its consents.

    It detects revocations made on GRDF's site (GRDF sends no notice of them, ADICT 4) and consents that are in force
    again, and warns before a consent ends. An account is judged by the rights that it brought itself. Other rights on
    its meters are logged and change nothing. An invalid account is reported and does not stop the check of the others.

    With the param ``accounts`` it does none of this. Instead it makes the newest right on those accounts' meters their
    own, because a person who knows says so (see ``grdf.consents.take_over``).
    """

    @waiting_for_grdf
    def execute(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: how many accounts were checked, lost a consent, got it back, have one that ends soon, have a meter with
            another consent in force, or share a meter with another account; how many proofs a person must see to
        :raises ServiceUnavailable: if GRDF lists no rights at all although accounts are connected, or so few that more
            accounts would have lost theirs than one list can be trusted for
        """
        from grdf.consents.long_waits import LongWaits
        from grdf.consents.returned import Returned
        from grdf.consents.take_over import TakeOver
        from grdf.consents.waiting_rights import WaitingRights

        couchdb, accounts, adict = self.couchdb, self.accounts, self.adict
        asked_at = datetime.now(UTC)
        listed = adict.all_access_rights()
        rights: dict[str, list[AccessRight]] = {}
        for right in listed.rights:
            rights.setdefault(right.pce, []).append(right)
        run = Run.of(context)
        if named := run.named_accounts("Nothing was changed. Enter account ids, or none."):
            return TakeOver(couchdb, rights, asked_at, self.log).run(run, named, whole=not listed.odd)
        counts = {"checked": 0, "lost": 0, "restored": 0, "ending": 0, "foreign": 0, "shared": 0, "proofs": 0, "odd": 0}
        if listed.odd:
            self.log.warning(
                "%d line(s) of GRDF's list of rights could not be read: a meter that seems to be missing may be "
                "in one of them. Tell GRDF if this continues.",
                listed.odd,
            )
        waits = LongWaits(couchdb, adict, listed, self.log)
        round_ = _Round(couchdb, adict, rights, asked_at, counts, waits, whole=not listed.odd)
        here = Returned(couchdb, self.log)
        self._each(round_, here.without_returned(accounts, waits), self._check)
        counts["left_before"] = here.count
        counts["leaving"] = here.tell_unfinished(couchdb, accounts, listed.rights)
        problem = self._lose(round_)
        waiting = [str(document["_id"]) for document in accounts.waiting()]
        WaitingRights(couchdb, adict.oauth).note(waiting, listed, asked_at)
        self._tell_shared(round_)
        accounts.note_listed(asked_at)
        self.log.info("Consents of %d accounts checked with one call: %s.", counts["checked"], counts)
        if problem is not None:
            raise problem
        self._announce(context, run.id, round_)
        return counts

    def _announce(self, context: Context, run: str, round_: _Round) -> None:
        """Announce the days that were taken back to other DAGs, including those of a failed try and of loads."""
        for name in round_.unannounced:
            document = round_.accounts.update(name, lambda stored: with_announced(stored, unannounced(stored), run))
            announce(context, self.outlets or (), name, announced_by(document, run))

    def _each(
        self,
        round_: _Round,
        documents: Iterable[dict[str, Any]],
        step: Callable[[_Round, dict[str, Any]], Any],
    ) -> None:
        """Run a step for each account.

        An invalid or removed account is reported and does not stop the others.
        """
        for document in documents:
            try:
                step(round_, document)
            except (BadAccount, AttributeError, TypeError) as error:
                round_.counts["odd"] += 1
                self.log.warning("Account %s is left unchanged: %s", document["_id"], error)
                with suppress(BadAccount, AttributeError, TypeError):
                    Account.from_document(document)  # an account that no run can read stays exactly as it is
                    round_.accounts.update(document["_id"], round_.unseen)

    def _lose(self, round_: _Round) -> ServiceUnavailable | None:
        """Mark the accounts that have lost a consent according to this list, unless they are too many at once."""
        lost, counts, percent = round_.news, round_.counts, settings.lost_consents_percent()
        checked = counts["checked"] + len(lost)
        if not too_many(len(lost), checked, percent):
            self._each(round_, lost, partial(self._check, believed=True))
            return None
        today = paris_today(datetime.now(UTC))

        def noted(stored: dict[str, Any]) -> dict[str, Any]:
            return with_missed(round_.unseen(stored), today)

        self._each(round_, lost, lambda _, document: round_.accounts.update(document["_id"], noted))
        counts["checked"], counts["held_back"] = checked, len(lost)
        return ServiceUnavailable.about(
            None,
            f"according to GRDF's list {len(lost)} of {checked} accounts have lost a consent since the last one, "
            f"more than {percent} % ([grdf] lost_consents_percent). The list may have been cut short, so none of "
            "them was marked",
            "GRDF is asked again automatically, and the list of another day decides. Check GRDF's portal for "
            "what has happened, and tell GRDF if the list is wrong.",
        )

    def _check(self, round_: _Round, document: dict[str, Any], *, believed: bool = False) -> None:
        now = datetime.now(UTC)
        counts, accounts = round_.counts, round_.accounts
        listed = round_.listed(document)

        def finding_of(stored: dict[str, Any]) -> Finding | None:
            warn_days = settings.consent_warning_days()
            return check_consents(stored, listed, now=now, today=paris_today(now), warn_days=warn_days)

        finding = finding_of(document)
        if (after := round_.waits.settle(document, now)) is not document:
            document, listed = after, round_.listed(after)
            finding = finding_of(document)
        if finding is None:
            account = Account.from_document(document)
            if account.meters and not account.leaving:
                # It has connected again. Should its new grant be refused, its known meters are read on, and nobody has
                # looked whose they are.
                accounts.update(account.id, round_.unseen)
            return
        if finding.lost and not round_.rights:
            raise ServiceUnavailable.about(
                None,
                "GRDF lists no access right at all, although accounts are connected",
                "No account was changed. It is tried again; if this continues, ask GRDF about our client.",
            )
        # If somebody else's right is in force and no own one is found, GRDF would return what that right allows.
        lost = {pce for pce, _ in finding.lost} - finding.handed_over(document)
        unread = set() if round_.whole else {pce for pce in lost if round_.may_be_unread(document, pce)}
        if unread:
            self.log.warning(
                "Account %s, meter %s: left unchanged, since it may be in a line that could not be read.",
                document["_id"], ", ".join(meter_tag(document["_id"], pce) for pce in sorted(unread)),
            )  # fmt: skip
            listed = replace(listed, meters=[pce for pce in listed.meters or () if pce not in unread])
            finding = finding_of(document) or finding
        if finding.is_news(document) and not (believed or missed_before(document, paris_today(now))):
            round_.news.append(document)
            return
        counts["checked"] += 1
        counts["lost"] += bool(finding.lost)
        counts["restored"] += finding.restored
        counts["ending"] += finding.ends is not None
        counts["foreign"] += bool(finding.foreign)
        if finding.lost:
            self.log.warning("%s", state_message(finding.document))
        if finding.restored:
            self.log.info("Account %s: its consent is in force again; it is read from now on.", document["_id"])
        if finding.ends:
            self.log.warning(
                "Account %s: a consent ends on %s. The household must renew it to be read after that day.",
                document["_id"], finding.ends,
            )  # fmt: skip
        due = [proof for proof in Proof.all_of(finding.document).values() if proof.needs_person]
        counts["proofs"] += len(due)
        for proof in due:
            self.log.warning("%s", proof_message(document["_id"], proof, paris_today(now)))
        for right in finding.foreign:
            self.log.info(
                "Account %s: another consent, given on %s, is in force on its meter %s. The account did not "
                "bring it and does not use it.", document["_id"], right.created, meter_tag(document["_id"], right.pce),
            )  # fmt: skip

        def noted(found: Finding) -> dict[str, Any]:
            return round_.unseen(found.document) if unread else with_seen(found.document, None)

        def change(stored: dict[str, Any]) -> dict[str, Any]:
            found = finding_of(stored)
            return stored if found is None else noted(found)  # None: it has started to leave in the meantime

        after = noted(finding)
        if after != document:
            after = accounts.update(document["_id"], change, known=document)
        self._give_back(round_, after, listed.rights, seen_at(document, round_.last))
        round_.read_by(finding.document)

    def _give_back(self, round_: _Round, document: dict[str, Any], rights: Sequence[AccessRight], seen: str) -> None:
        """Take back what was read under somebody else's right that appeared on a meter since a list was last read."""
        name, gone = document["_id"], handed_over(document)
        if not gone and GivenBack.key not in document:
            return
        meters = to_give_back(document, rights, seen, paris_today(datetime.now(UTC)))
        noted = partial(with_given_back, meters=meters)
        if meters:
            take_back_foreign(round_.couchdb, round_.accounts, name, meters, self.log, noted)
        elif noted(document) != document:
            round_.accounts.update(name, noted)
        if gone and (meters or unannounced(document)):
            round_.unannounced.append(name)

    def _tell_shared(self, round_: _Round) -> None:
        """Report which accounts have the same meter under rights in force, in the log and on each of these accounts."""
        for pce, names in round_.shared.items():
            for name in names:
                round_.counts["shared"] += 1
                self.log.warning(
                    "Account %s: its meter %s is also in account %s, and each is read under its own consent. If "
                    "this is not intended, delete one of them: the other's consent stays.",
                    name, meter_tag(name, pce), ", ".join(other for other in names if other != name),
                )  # fmt: skip
        for name in sorted(round_.noted.keys() | {name for names in round_.shared.values() for name in names}):
            shared = sorted(pce for pce, names in round_.shared.items() if name in names)
            if shared != round_.noted.get(name, []):
                round_.accounts.update(name, partial(SharedMeters.noted, meters=shared))


class _Round:
    """The state of one check of all accounts.

    :param couchdb: the hook for the CouchDB with the accounts and their data
    :param rights: all our rights by meter
    :param asked_at: when GRDF was asked for them
    :param counts: incremented by what is found
    :param waits: sees to declarations that have waited for long
    :param whole: whether every line of the list could be read
    """

    def __init__(
        self,
        couchdb: CouchDBHook,
        adict: AdictHook,
        rights: dict[str, list[AccessRight]],
        asked_at: datetime,
        counts: dict[str, int],
        waits: LongWaits,
        *,
        whole: bool,
    ) -> None:
        from grdf.stores.account_store import AccountStore

        self.couchdb = couchdb
        self.accounts = AccountStore(couchdb)
        self.last = self.accounts.listed_at()
        self.adict = adict
        self.rights = rights
        self.asked_at = asked_at
        self.counts = counts
        self.waits = waits
        self.whole = whole
        self.news: list[dict[str, Any]] = []
        self.unannounced: list[str] = []
        self.readers: dict[str, list[str]] = {}
        self.noted: dict[str, list[str]] = {}

    def listed(self, document: dict[str, Any]) -> Listed:
        """Return the part of the list that concerns an account.

        Look up who holds a right only for the konnector's accounts.
        """
        account = Account.from_document(document)
        mine = [right for meter in account.meters for right in self.rights.get(meter.pce, [])]
        unknown = [] if account.leaving or account.needs_first_launch else unknown_meters(account)
        asked = [meter.pce for meter in account.meters]  # a meter added in the meantime is not judged by this list
        if not unknown:
            return Listed(mine, self.asked_at, meters=asked)
        if not self.whole:  # part of the list cannot show which right is theirs
            return Listed(mine, self.asked_at, meters=[pce for pce in asked if pce not in unknown])
        claimed = claimed_rights(self.adict.oauth, document)
        held = other_holders(self.accounts, account.id, unknown)
        return Listed(mine, self.asked_at, meters=asked, claimed=claimed, held=held)

    def unseen(self, document: dict[str, Any]) -> dict[str, Any]:
        """Record on an account that this list did not show the state of its rights."""
        return with_seen(document, seen_at(document, self.last))

    def may_be_unread(self, document: dict[str, Any], pce: str) -> bool:
        """Return whether one of its own rights on a meter may be in a line of the list that could not be read."""
        own = {right for meter in Account.from_document(document).meters if meter.pce == pce for right in meter.own}
        listed = {right.id for right in self.rights.get(pce, [])}
        return not listed or not own <= listed

    def read_by(self, document: dict[str, Any]) -> None:
        """Record which meters an account has under a right that is in force.

        :param document: the account document after the check
        """
        name = str(document["_id"])
        if noted := SharedMeters.of(document):
            self.noted[name] = noted
        for meter in Account.from_document(document).meters:
            if not meter.lost:
                self.readers.setdefault(meter.pce, []).append(name)

    @property
    def shared(self) -> dict[str, list[str]]:
        """The meters that several accounts have, with the ids of these accounts."""
        return {pce: names for pce, names in self.readers.items() if len(names) > 1}
