"""Importing many households from a CSV file: every line is checked first, then each right is declared."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from grdf.staging.imports import Imports
from include.gas.account.sections.client import DEFAULT
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadRequest, RefusalUnexplained, UnknownRefusal
from include.gas.importing.csv_file import Line, check_name, read_lines
from include.gas.importing.holdings import Holdings
from include.gas.importing.import_progress import Progress
from include.gas.importing.line_check import BEING_DECLARED, DECLARED, Checked, check_lines
from include.gas.importing.result_file import Outcome, Result, counts, is_final, report, to_csv
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


TELL_EVERY = 30.0
"""Shortest time in seconds between two log lines about the progress."""
MOST_UNKNOWN = 10
"""Lines in a row that GRDF refuses with an answer that we do not understand. After that something else is wrong."""
WAITS = "its right is declared, and GRDF asks the holder"


class ImportAccountsOperator(GrdfOperator):
    """Declares the rights of the households in a CSV file, or says in a dry run what would be done.

    It may be killed and started again at any point: accounts and records say what is done, and a file beside the CSV
    file keeps the ids that were chosen. No household gets a second right. The CSV file is removed at the end.

    :param file: name of the file in the folder ``import`` of the staging store (templated)
    """

    template_fields: Sequence[str] = ("file",)
    connection: str = ""
    """The client of new accounts that the form names; ``""`` for the first one that has room."""
    first: str = DEFAULT
    """The client of the first new account."""

    def __init__(self, *, file: str = "{{ params.file }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file

    @cached_property
    def imports(self) -> Imports:
        """The folder of the files."""
        return Imports(settings.staging_url())

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :return: how many lines have each outcome
        :raises BadRequest: if form, file or a line is wrong, or the run was cleared; nothing was sent to GRDF then
        :raises RetryLater: if GRDF or CouchDB does not answer; the next try continues
        :raises GasError: if one of several clients cannot be called; the lines of the others are done
        """
        from grdf.consents.room import check_connection

        run = Run.of(context)
        run.stop_if_cleared("grdf_import_accounts")
        self.connection = check_connection(run.params.get("connection", ""))
        dry_run, skip = run.params["dry_run"], run.params["skip_wrong_lines"]
        content = self._content(check_name(self.file))
        source = sha256(content).hexdigest()
        lines = read_lines(content)
        holdings = Holdings(self.accounts.every())
        kept = Progress.read(self.imports.progress(self.file))
        now = utc_text(datetime.now(UTC))
        if kept is not None and kept.source != source:
            self.log.warning(
                "File %s is not the one with which its import began on %s. It is taken for a correction of that one: "
                "what was declared since stays, and households that were deleted since are left out. Give a new file a "
                "name of its own.", self.file, kept.began[:16],
            )  # fmt: skip
        progress = (kept or Progress(now, source)).for_source(source)
        checked = self._checked(lines, holdings, progress)
        wrong = [each for each in checked if each.verdict == "wrong"]
        if dry_run or (wrong and not skip):
            return self._reported(checked, progress, dry_run=dry_run)
        self.imports.remove_result(self.file)  # from here on, a result says that this import has ended
        progress.choose_ids(lines, holdings, lambda: secrets.token_hex(5))
        if named := progress.named(lines):
            progress.note_deletions(named, self.couchdb.scan(AUDIT), self.couchdb.clock(), begins=kept is None)
        self.imports.keep_progress(self.file, progress.text())
        results = self._work(self._checked(lines, holdings, progress), holdings, progress, run)
        return self._done(content, results)

    def _content(self, name: str) -> bytes:
        content = self.imports.read(name)
        if content is not None:
            return content
        if is_final(self.imports.result(name)):
            self.imports.remove(name)  # a try that was killed at its very end has left its progress
            raise AirflowSkipException(
                f"There is no file {name} in {self.imports.folder}, but a result: it was worked off already."
            )
        if self.imports.progress(name) is not None:
            self.imports.remove(name)
            self.log.warning(
                "File %s was removed before its import had ended. What that had declared stays, see Gas accounts. A "
                "file of this name is imported from its beginning.", name,
            )  # fmt: skip
        raise BadRequest.about(
            None,
            f"there is no file {name} in {self.imports.folder}",
            "Nothing was done. Put it there, readable for the user that runs Airflow's tasks, and start again.",
        )

    def _checked(self, lines: Sequence[Line], holdings: Holdings, progress: Progress) -> list[Checked]:
        from grdf.stores.records.consent_records import ConsentRecords

        recorded = ConsentRecords(self.couchdb).since(progress.began, self.file)
        several = settings.meter_in_several_accounts()
        return check_lines(lines, holdings, ids=progress.ids, recorded=recorded, several=several)

    def _reported(self, checked: Sequence[Checked], progress: Progress, *, dry_run: bool) -> dict[str, int]:
        """Store and log what the check has found, and stop if that was not all that was asked for."""
        results = [_found(each, progress) for each in checked]
        self.imports.keep_result(self.file, to_csv(results))
        self._log("wrong", results)
        self._log("being declared", results)
        found = counts(results)
        self.log.info(
            "File %s: %s. All lines are in %s.", self.file, _said(found), self.imports.result_name(self.file)
        )  # fmt: skip
        if dry_run:
            self.log.info("Dry run: nothing was sent to GRDF and no account was written.")
            return found
        raise BadRequest.about(
            None,
            f"{found['wrong']} of {len(checked)} lines of {self.file} are wrong",
            f"Nothing was sent to GRDF. See the log and {self.imports.result_name(self.file)}. Correct the file, or "
            "choose to skip wrong lines, and start again.",
        )

    def _work(self, checked: Sequence[Checked], holdings: Holdings, progress: Progress, run: Run) -> list[Result]:
        from grdf.consents.clients_aside import OF_CLIENT, ClientsAside
        from grdf.consents.declarations.household import ABOUT_HOUSEHOLD, DeclaredElsewhere, HouseholdLeft, Households
        from grdf.consents.room import Room

        room, several = Room(holdings.meters_of_clients()), len(self.clients()) > 1
        aside = ClientsAside(
            self.couchdb, self.adict, several=several, choose=lambda: self.connection or room.take()
        )  # fmt: skip
        households = Households(
            self.couchdb, self.adict, file=self.file, asker=run.asked_by, began=progress.began,
            deletions=progress.deletions, connection=aside.choose,
        )  # fmt: skip
        self.first = self.connection or Room(holdings.meters_of_clients()).take()
        if several:
            self.log.info(
                "New accounts get the client of %s%s.", self.first, "" if self.connection else ", then others"
            )
        results = [_found(each, progress) for each in checked if not _is_open(each, progress)]
        left = [each for each in checked if _is_open(each, progress)]
        self._log("wrong", results)
        self._tell(0, len(left))
        told = time.monotonic()
        unknown: list[int] = []
        for done, line in enumerate(left):
            if time.monotonic() - told >= TELL_EVERY:
                self._tell(done, len(left) - done)
                told = time.monotonic()
            assert line.declaration
            if aside.skips(line.account):
                continue
            try:
                right = households.declare(line.account, line.number, line.declaration)
            except HouseholdLeft as error:
                results.append(Result(line.number, line.account, "left", error.cause))
            except DeclaredElsewhere:
                results.append(Result(line.number, line.account, "being declared", BEING_DECLARED))
            except OF_CLIENT as error:
                aside.put(line.account, error)
            except ABOUT_HOUSEHOLD as error:
                reason = error.cause.replace(f"meter {meter_tag(line.account, line.declaration.pce)}", "its meter")
                self.log.warning("Line %d of %s is refused: %s.", line.number, self.file, reason)
                unknown = (
                    [*unknown, line.number]
                    if isinstance(error, BadRequest | UnknownRefusal | RefusalUnexplained)
                    else []
                )
                if len(unknown) == MOST_UNKNOWN:
                    progress.refused = {at: said for at, said in progress.refused.items() if at not in unknown}
                    self.imports.keep_progress(self.file, progress.text())
                    raise
                progress.refused[line.number] = reason
                self.imports.keep_progress(self.file, progress.text())
                results.append(Result(line.number, line.account, "refused", reason))
            else:
                unknown = []
                results.append(Result(line.number, line.account, "declared", WAITS if right.waits else DECLARED))
        if aside.reasons:
            self.log.warning(
                "%d line(s) of %s were put aside, and the others are done. The file stays until all are.",
                aside.lines, self.file,
            )  # fmt: skip
            raise first_to_raise(aside.reasons.values(), last_try=run.is_last_try)
        return results

    def _done(self, content: bytes, results: Sequence[Result]) -> dict[str, int]:
        """Store the result, and remove the file unless somebody has just replaced it."""
        self.imports.keep_result(self.file, to_csv(results))
        self._log("being declared", results)
        found = counts(results)
        there = self.imports.read(self.file)
        if there == content:
            self.imports.remove(self.file)
            end = "The file is removed"
        elif there is None:
            self.imports.remove_progress(self.file)
            end = "The file was removed in the meantime by somebody else"
        else:
            end = "The file was changed in the meantime and stays: start again to import it"
        self.log.info(
            "File %s: %s. %s; all lines are in %s.",
            self.file, _said(found), end, self.imports.result_name(self.file),
        )  # fmt: skip
        return found

    def _log(self, outcome: Outcome, results: Sequence[Result]) -> None:
        for sentence in report(results, outcome):
            self.log.warning("File %s, %s: %s.", self.file, outcome, sentence)

    def _tell(self, done: int, left: int) -> None:
        from grdf.quota.shared_quota import how_long

        time_needed = (
            f": {how_long(self.adict.named(self.first).oauth.facts, left, 'history')}, at the least" if left else ""
        )
        self.log.info("%d line(s) declared in this try, %d left%s.", done, left, time_needed)


def _is_open(line: Checked, progress: Progress) -> bool:
    return line.verdict == "open" and line.number not in progress.refused


def _found(line: Checked, progress: Progress) -> Result:
    """Return the outcome of a line with which nothing has to be done now."""
    if line.verdict == "open":
        if refused := progress.refused.get(line.number):
            return Result(line.number, line.account, "refused", refused)
        return Result(line.number, line.account, "to declare")
    return Result(line.number, line.account, line.verdict, line.reason, line.detail)


def _said(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in found.items())
