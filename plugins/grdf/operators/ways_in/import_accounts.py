"""Importing many households from a CSV file: every line is checked first, then each household is taken in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from grdf.staging.imports import Imports
from include.gas.account.sections.client import DEFAULT
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadRequest, FailNow, RefusalUnexplained, StoreBusy, UnknownRefusal
from include.gas.importing.csv_file import check_name, read_lines
from include.gas.importing.holdings import Holdings
from include.gas.importing.line_check import Checked, check_lines
from include.gas.importing.result_file import Outcome, Result, counts, done_before, is_final, report, result_of, to_csv
from include.gas.leaving.deletion_record import all_left
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.ledger.clients_aside import ClientsAside
    from grdf.ledger.households import Households

TELL_EVERY = 30.0
"""Shortest time in seconds between two log lines about the progress."""
MOST_UNKNOWN = 10
"""Lines in a row that GRDF refuses with an answer that we do not understand. After that something else is wrong."""


class ImportAccountsOperator(GrdfOperator):
    """Declares the rights of the households in a CSV file, or says in a dry run what would be done.

    It may be killed and started again at any point: the result file says which lines are worked off, and accounts,
    records and the ledger say the rest. No household gets a second right. The CSV file is removed at the end.

    :param file: name of the file in the folder ``import`` of the staging store (templated)
    """

    template_fields: Sequence[str] = ("file",)
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
        from grdf.ledger.clients_aside import ClientsAside
        from grdf.ledger.households import Households
        from grdf.ledger.room import Room, check_connection

        run = Run.of(context)
        run.stop_if_cleared("grdf_import_accounts")
        connection = check_connection(run.params.get("connection", ""))
        content = self._content(check_name(self.file))
        holdings = Holdings(self.accounts.every(), self.ledger.every(), set(all_left(self.couchdb.scan(AUDIT))))
        room, several = Room(holdings.meters_of_clients()), len(self.clients()) > 1
        aside = ClientsAside(self.couchdb, self.adict, several=several, choose=lambda: connection or room.take())
        households = Households(
            self.couchdb, self.adict, file=self.file, asker=run.asked_by, choose=aside.choose
        )  # fmt: skip
        checked = check_lines(
            read_lines(content), holdings, paris_today(datetime.now(UTC)), knows=households.knows,
            several=settings.meter_in_several_accounts(),
        )  # fmt: skip
        results, left = _sorted(checked, done_before(self.imports.result(self.file)))
        wrong, dry_run = sum(each.outcome == "wrong" for each in results), run.params["dry_run"]
        if dry_run or (wrong and not run.params["skip_wrong_lines"]):
            results += map(result_of, left)
            return self._reported(results, wrong, dry_run=dry_run)
        self.first = connection or Room(holdings.meters_of_clients()).take()
        if several:
            self.log.info("New accounts get the client of %s%s.", self.first, "" if connection else ", then others")
        self._log("wrong", results)
        self._work(left, results, households, aside)
        if aside.reasons:
            self.log.warning(
                "%d line(s) of %s were put aside, and the others are done. The file stays until all are.",
                aside.lines, self.file,
            )  # fmt: skip
            raise first_to_raise(aside.reasons.values(), last_try=run.is_last_try)
        return self._done(content, results)

    def _content(self, name: str) -> bytes:
        content = self.imports.read(name)
        if content is not None:
            return content
        if is_final(self.imports.result(name)):
            raise AirflowSkipException(
                f"There is no file {name} in {self.imports.folder}, but a result: it was worked off already."
            )
        raise BadRequest.about(
            None,
            f"there is no file {name} in {self.imports.folder}",
            "Nothing was done. Put it there, readable for the user that runs Airflow's tasks, and start again.",
        )

    def _reported(self, results: Sequence[Result], wrong: int, *, dry_run: bool) -> dict[str, int]:
        """Store and log what the check has found, and stop if that was not all that was asked for."""
        self.imports.keep_result(self.file, to_csv(results))
        self._log("wrong", results)
        self._log("being declared", results)
        found, kept = counts(results), self.imports.result_name(self.file)
        self.log.info("File %s: %s. All lines are in %s.", self.file, _said(found), kept)
        if dry_run:
            self.log.info("Dry run: nothing was sent to GRDF and no account was written.")
            return found
        raise BadRequest.about(
            None,
            f"{wrong} of {len(results)} lines of {self.file} are wrong",
            f"Nothing was sent to GRDF. See the log and {kept}. Correct the file, or choose to skip wrong lines, and "
            "start again.",
        )

    def _work(
        self, left: Sequence[Checked], results: list[Result], households: Households, aside: ClientsAside
    ) -> None:
        """Take in the households of open lines.

        :param results: those of the other lines, to which this adds
        """
        from grdf.ledger.clients_aside import OF_CLIENT
        from grdf.ledger.households import new_account

        self._tell(0, len(left))
        told, unknown = time.monotonic(), 0
        for number, checked in enumerate(left):
            if time.monotonic() - told >= TELL_EVERY:
                self._tell(number, len(left) - number)
                told = time.monotonic()
            line = replace(checked, account=checked.account or new_account())
            if aside.skips(line.account):
                continue
            try:
                results.append(households.take_in(line))
                unknown = 0
            except OF_CLIENT as error:
                aside.put(line.account, error)
                continue
            except StoreBusy as error:  # a try that was killed, or the account's own run, is declaring it
                aside.put_line(line.account, error)
                continue
            except FailNow as error:
                unknown = unknown + 1 if isinstance(error, BadRequest | UnknownRefusal | RefusalUnexplained) else 0
                if unknown == MOST_UNKNOWN:
                    self.imports.keep_result(self.file, to_csv(results[: 1 - unknown]))
                    raise
                results.append(self._refused(line, error))
            self.imports.keep_result(self.file, to_csv(results))

    def _refused(self, line: Checked, error: FailNow) -> Result:
        assert line.declaration
        reason = error.cause.replace(f"meter {meter_tag(line.account, line.declaration.pce)}", "its meter")
        self.log.warning("Line %d of %s is refused: %s.", line.number, self.file, reason)
        return Result(line.number, line.account, "refused", reason, key=line.key)

    def _done(self, content: bytes, results: Sequence[Result]) -> dict[str, int]:
        """Store the result, and remove the file unless somebody has just replaced it."""
        same = self.imports.read(self.file) == content
        self.imports.keep_result(self.file, to_csv(results, ended=same))
        self._log("being declared", results)
        if same:
            self.imports.remove(self.file)
        found = counts(results)
        end = "The file is removed" if same else "The file has changed in the meantime: start again to import it"
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
            f": {how_long(self.adict.named(self.first).oauth.facts, 2 * left, 'history')}, at the least" if left else ""
        )
        self.log.info("%d line(s) declared in this try, %d left%s.", done, left, time_needed)


def _sorted(checked: Iterable[Checked], done: Mapping[str, Result]) -> tuple[list[Result], list[Checked]]:
    """Return the results of lines for which there is nothing to do, and the open lines.

    :param done: results of an earlier try, by the lines' keys
    """
    results: list[Result] = []
    left: list[Checked] = []
    for line in checked:
        if before := done.get(line.key):
            results.append(replace(before, number=line.number))
        elif line.verdict == "open":
            left.append(line)
        else:
            results.append(result_of(line))
    return results, left


def _said(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in found.items())
