"""The daily check of consents: one call for GRDF's list of rights, compared with every account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.announcing import announce
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.consents.check_round import COUNTS, MetersRead, NoRights, Round
from grdf.meters.taking_back import take_back_foreign
from grdf.operators.base import GrdfOperator
from include.gas.account.account import Account
from include.gas.account.sections.announcements import announced_by, unannounced, with_announced
from include.gas.account.sections.rights.list_seen import missed_before, seen_at, with_missed, with_seen
from include.gas.account.sections.rights.lost_consents import GivenBack, SharedMeters, handed_over, with_given_back
from include.gas.account.sections.rights.proofs import Proof
from include.gas.account.state import state_message
from include.gas.days.gas_day import paris_today
from include.gas.errors import ODD_DOCUMENT, BadAccount, GasError, QuotaWait, ServiceUnavailable, StoreBusy, what_is_odd
from include.gas.meter_tag import meter_tag
from include.gas.rights.consent_brake import too_many
from include.gas.rights.consent_check import check_consents, to_give_back
from include.gas.rights.proof_check import proof_message

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.consents.lists.client_lists import ClientLists
    from include.gas.answers.access_rights import AccessRight
    from include.gas.rights.consent_check import Finding


class CheckConsentsOperator(GrdfOperator):
    """Asks GRDF once for all rights of each of our clients, then updates every account's state and consents.

    It detects revocations made on GRDF's site (GRDF sends no notice of them, ADICT 4) and consents that are in force
    again, and warns before a consent ends. An account is judged by the rights that it brought itself. Other rights on
    its meters are logged and change nothing. Whether a holder has accepted a declared right is left to
    ``grdf_waiting_rights``, which starts the account. An invalid account is reported and stops no other's check.

    With the param ``accounts`` it does none of this. Instead it makes the newest right on those accounts' meters their
    own, because a person who knows says so (see ``grdf.consents.owners.take_over``).
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: how many accounts were checked, lost a consent, got it back, have one that ends soon, have a meter with
            another consent in force, or share a meter with another account; how many proofs a person must see to
        :raises ServiceUnavailable: if GRDF lists no rights at all although accounts are connected, or so few that more
            accounts would have lost theirs than one list can be trusted for
        :raises BadSettings: after the check of all others, if one client's list names rights of another's accounts
        :raises StoreBusy: after the check of all others, if an account's documents kept being changed by others
        :raises GasError: after the check of all others, if GRDF gave no list for one of our clients
        :raises BadRequest: if accounts are named and the run was cleared: the newest right may be another's by now
        """
        from grdf.consents.declarations.long_waits import LongWaits
        from grdf.consents.declarations.returned import Returned
        from grdf.consents.lists.client_lists import ClientLists
        from grdf.consents.owners.take_over import TakeOver

        couchdb, accounts, run = self.couchdb, self.accounts, Run.of(context)
        named = run.named_accounts("Nothing was changed. Enter account ids, or none.")
        if named:
            run.stop_if_cleared("grdf_consents")
        lists = ClientLists(self.clients(), self.log, last_try=run.is_last_try)
        if named:
            if not lists.are_several:
                lists.stop_unless_whole(next(iter(lists.known)))
            self._wait_for_lists(lists, named)
            return TakeOver(couchdb, lists.whole_of, self.log).run(run, named)
        meters = MetersRead()
        rounds = {
            name: Round(couchdb, listed, meters, LongWaits(couchdb, listed.client, listed.answer, self.log))
            for name, listed in lists.known.items()
        }
        for round_ in rounds.values():
            if odd := round_.answer.odd:
                self.log.warning(
                    "%d line(s) of GRDF's list of rights could not be read: a meter that seems to be missing may be "
                    "in one of them. Tell GRDF if this continues.",
                    odd,
                )
        here = Returned(couchdb, self.log)
        known = here.without_returned(accounts, next(iter(rounds.values())).waits)
        unbound = self._check_all(rounds, lists, known)
        good = {name: round_ for name, round_ in rounds.items() if not round_.is_void}
        if not good:
            void = [*(round_.problem for round_ in rounds.values() if round_.problem), *lists.failures.values()]
            raise first_to_raise(void, last_try=run.is_last_try)
        leaving = here.tell_unfinished(couchdb, accounts, {name: each.answer.rights for name, each in good.items()})
        for round_ in good.values():
            round_.problem = self._lose(round_)
        counts = Counter(dict.fromkeys(COUNTS, 0))
        for round_ in rounds.values():
            counts.update(round_.counts)
        counts["odd"] += unbound
        counts["shared"] += self._tell_shared(meters)
        for name, round_ in good.items():
            if round_.is_noted:
                accounts.note_listed(round_.asked_at, name)
            if lists.are_several:
                self.log.info("%s: consents of %d accounts checked.", name, round_.counts["checked"])
        counts["left_before"], counts["leaving"] = here.count, leaving
        with_calls = f"{len(lists.known)} calls" if lists.are_several else "one call"
        self.log.info("Consents of %d accounts checked with %s: %s.", counts["checked"], with_calls, dict(counts))
        problems = [
            *(round_.problem for round_ in rounds.values() if round_.problem),
            *(problem for round_ in rounds.values() for problem in (*round_.swapped, *round_.busy)),
            *lists.failures.values(),
        ]
        if problems:
            raise first_to_raise(problems, last_try=run.is_last_try)
        for round_ in rounds.values():
            self._announce(context, run.id, round_)
        return dict(counts)

    def _wait_for_lists(self, lists: ClientLists, named: Iterable[str]) -> None:
        """Stop until a client may be asked to which one of some accounts belongs.

        Nothing is done before: once an account has its right, a later try would say that it cannot have it.

        :raises QuotaWait: if its turn has not come
        """
        for name in named:
            failure: GasError | None = None
            with suppress(GasError):  # told where its rights are looked for
                failure = lists.failure_of(self.accounts.document(name))
            if isinstance(failure, QuotaWait):
                raise failure

    def _check_all(self, rounds: Mapping[str, Round], lists: ClientLists, documents: Iterable[dict[str, Any]]) -> int:
        """Check each account by the list of its own client. Where there is none, leave its accounts as they are.

        :return: how many accounts belong to none of our clients
        """
        unbound = 0
        for document in documents:
            try:
                listed = lists.of(document)
            except BadAccount as error:
                unbound += 1
                self.log.warning("Account %s is left unchanged: %s", document["_id"], what_is_odd(error))
                continue
            round_ = rounds[listed.connection] if listed else None
            if round_ is None or round_.is_void:
                next(iter(rounds.values())).meters.read_by_unchecked(document)
                continue
            try:
                self._each(round_, [document], partial(self._check_own, lists))
            except NoRights as error:
                round_.problem = error
                round_.meters.read_by_unchecked(document)
                if lists.are_several:
                    self.log.error("%s: %s", listed.connection if listed else "", error)
                if all(each.is_void for each in rounds.values()):
                    break
        return unbound

    def _check_own(self, lists: ClientLists, round_: Round, document: dict[str, Any]) -> None:
        """Check an account, unless the list seems to be another client's: then nothing is lost that is not there."""
        if not (other := lists.listed_for_another(document)):
            self._check(round_, document)
            return
        self.log.error("Account %s is left unchanged: GRDF lists its right for %s.", document["_id"], other)
        round_.elsewhere.setdefault(other, []).append(str(document["_id"]))
        round_.accounts.update(document["_id"], round_.unseen)
        round_.meters.read_by_unchecked(document)

    def _announce(self, context: Context, run: str, round_: Round) -> None:
        """Announce the days that were taken back to other DAGs, including those of a failed try and of loads."""
        for name in round_.unannounced:
            document = round_.accounts.update(name, lambda stored: with_announced(stored, unannounced(stored), run))
            announce(context, self.outlets or (), name, announced_by(document, run))

    def _each(
        self,
        round_: Round,
        documents: Iterable[dict[str, Any]],
        step: Callable[[Round, dict[str, Any]], Any],
    ) -> None:
        """Run a step for each account.

        An invalid or removed account is reported and does not stop the others, nor does one that others keep changing.
        """
        for document in documents:
            try:
                step(round_, document)
            except StoreBusy as error:
                self.log.warning("%s", error)
                round_.put_off(document, error)
            except (BadAccount, *ODD_DOCUMENT) as error:
                round_.counts["odd"] += 1
                self.log.warning("Account %s is left unchanged: %s", document["_id"], what_is_odd(error))
                with suppress(BadAccount, *ODD_DOCUMENT):
                    Account.from_document(document)  # an account that no run can read stays exactly as it is
                    round_.accounts.update(document["_id"], round_.unseen)

    def _lose(self, round_: Round) -> ServiceUnavailable | None:
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

    def _check(self, round_: Round, document: dict[str, Any], *, believed: bool = False) -> None:
        now = datetime.now(UTC)
        counts, accounts = round_.counts, round_.accounts
        listed = round_.listed(document)

        def finding_of(stored: dict[str, Any]) -> Finding | None:
            return check_consents(stored, listed, now=now, today=paris_today(now))

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
            raise NoRights.about(
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
        round_.meters.read_by(finding.document)

    def _give_back(self, round_: Round, document: dict[str, Any], rights: Sequence[AccessRight], seen: str) -> None:
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

    def _tell_shared(self, meters: MetersRead) -> int:
        """Report which accounts have the same meter under rights in force, in the log and on each of these accounts.

        :return: how many times
        """
        told = 0
        for pce, names in meters.shared.items():
            for name in names:
                told += 1
                self.log.warning(
                    "Account %s: its meter %s is also in account %s, and each is read under its own consent. If "
                    "this is not intended, delete one of them: the other's consent stays.",
                    name, meter_tag(name, pce), ", ".join(other for other in names if other != name),
                )  # fmt: skip
        for name in sorted(meters.noted.keys() | {name for names in meters.shared.values() for name in names}):
            shared = sorted(pce for pce, names in meters.shared.items() if name in names)
            if shared != meters.noted.get(name, []):
                self.accounts.update(name, partial(SharedMeters.noted, meters=shared))
        return told
