"""Imports households from a CSV file: all lines are checked, then each household is taken in."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from grdf.staging.imports import Imports
from include.gas.account.client import client_or_empty
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import OF_CLIENT, BadRequest, FailNow, GasError, RefusalUnexplained, RetryLater, UnknownRefusal
from include.gas.importing.csv_file import check_name, read_lines, result_name
from include.gas.importing.line_check import ImportLine, check_lines, result_csv

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.ledger.household_import import HouseholdImport

MOST_OPEN = 10
"""Lines that one try cannot settle before it stops: something else is wrong then."""
IN_LOG = 50
"""Wrong lines in the log; the result file has all."""


class ImportAccountsOperator(GrdfOperator):
    """Declares the rights of the households in a CSV file, or reports in a dry run, then removes the file.

    Safe to kill and repeat: accounts and ledger know what is done, and no household gets a second right.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Return how many lines have each outcome.

        :raises BadRequest: if form, file or a line is wrong, or the run was cleared; nothing was sent to GRDF then
        :raises GasError: if one of several clients cannot be called; the lines of the others are done
        """
        from grdf.ledger.household_import import HouseholdImport

        run, imports = Run.from_context(context), Imports(settings.staging_url())
        run.stop_if_cleared("grdf_import_accounts")
        file = check_name(run.params["file"])
        result, content = result_name(file), imports.content(file)
        if content is None:
            raise BadRequest.about(
                None,
                f"there is no file {file} in {imports.url}",
                f"Nothing was done. If it was worked off, {result} says what came of it. Else put it there, readable "
                "for the user that runs Airflow's tasks, and start again.",
            )
        households = HouseholdImport(self.couchdb, self.adict, file=file, run=run)
        lines = households.check_lines(check_lines(read_lines(content)))
        wrong = [each for each in lines if each.outcome == "wrong"]
        for each in wrong[:IN_LOG]:
            self.log.warning("Line %d of %s is wrong: %s.", each.number, file, each.reason)
        dry_run, problems = run.params["dry_run"], list[GasError]()
        is_stopped = bool(wrong) and not (dry_run or run.params["skip_wrong_lines"])
        try:
            if not dry_run and not is_stopped:
                problems = self._take_in(lines, households, run)
        finally:
            imports.write(result, result_csv(lines).encode())
        found: dict[str, int] = dict(sorted(Counter(each.outcome for each in lines).items()))
        said = ", ".join(f"{number} {outcome}" for outcome, number in found.items())
        self.log.info("File %s: %s. All lines are in %s.", file, said, result)
        if dry_run:
            self.log.info("Dry run: nothing was sent to GRDF and no account was written.")
        elif is_stopped:
            raise BadRequest.about(
                None,
                f"{len(wrong)} of {len(lines)} lines of {file} are wrong",
                f"No line was sent to GRDF by this try. See the log and {result}. Correct the file, or choose to skip "
                "wrong lines, and start again.",
            )
        elif problems:
            raise first_to_raise(problems, last_try=run.is_last_try)
        elif imports.content(file) != content:
            self.log.warning("File %s has changed in the meantime: start again to import it.", file)
        else:
            households.forget_refused(lines)
            imports.remove(file)
        return found

    def _take_in(self, lines: list[ImportLine], households: HouseholdImport, run: Run) -> list[GasError]:
        """Take in the households of lines to declare, note the outcomes in ``lines``, and return why some remain."""
        from grdf.ledger.client_choice import choose_client, count_client_meters
        from grdf.quota.governor import governor_for

        file, left = run.params["file"], [at for at, each in enumerate(lines) if each.outcome == "to declare"]
        end = governor_for(self.clients()[0].oauth.facts).earliest_end(2 * len(left))
        self.log.info("%d line(s) to declare: until %s at least.", len(left), end)
        meters, aside, open_ = count_client_meters(self.ledger.all_meters), dict[str, GasError](), list[GasError]()
        for at in left:
            # The same id in each try of a run.
            made = blake2b(f"{run.id} {lines[at].number}".encode(), digest_size=5).hexdigest()
            line = replace(lines[at], account=lines[at].account or f"household-{made}")
            document = self.couchdb.get(ACCOUNT, line.account)
            client = client_or_empty(document) if document else choose_client(meters)
            if client in aside:
                continue
            with self.each_account.serve(line.account):
                try:
                    lines[at] = households.import_household(line, document, client)
                except OF_CLIENT as error:
                    self.log.error("%s: %s Its lines are put aside; those of other clients go on.", client, error)
                    aside[client] = error
                except (RetryLater, UnknownRefusal, RefusalUnexplained) as error:
                    self.log.warning("Line %d of %s stays open. %s", line.number, file, error)
                    open_.append(error)
                    if len(open_) == MOST_OPEN:
                        break
                except FailNow as error:
                    self.log.warning("Line %d of %s is refused: %s.", line.number, file, error.cause)
                    lines[at] = line.with_outcome("refused", error.cause)
        return [*aside.values(), *open_, *self.each_account.bugs]
