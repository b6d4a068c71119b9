"""Importing many households from a CSV file: every line is checked first, then each household is taken in."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from grdf.staging.imports import Imports
from include.gas.account.sections.client import client_if_known
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.errors import OF_CLIENT, BadRequest, FailNow, GasError, RefusalUnexplained, StoreBusy, UnknownRefusal
from include.gas.importing.csv_file import check_name, read_lines, result_name
from include.gas.importing.line_check import Checked, check_beside, check_lines
from include.gas.importing.result_file import counts, to_csv, with_done
from include.gas.leaving.deletion_record import all_left
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.ledger.households import Households
    from include.gas.documents.gas_days import Document

PREFIX = "household-"
"""How the ids begin of accounts for which the file names none."""
TELL_EVERY = 30.0
"""Shortest time in seconds between two log lines about the progress."""
MOST_OPEN = 10
"""Lines that one try cannot settle, such as those that GRDF refuses for a reason that we do not know. After that
something else is wrong."""
IN_LOG = 50
"""Wrong lines in the log. The result file has all."""


class ImportAccountsOperator(GrdfOperator):
    """Declares the rights of the households in a CSV file, or says in a dry run what would be done.

    It may be killed and started again at any point: the result file says which lines are worked off, and accounts,
    records and the ledger say the rest. No household gets a second right. The CSV file is removed at the end.

    :param file: name of the file in the folder ``import`` of the staging store (templated)
    """

    template_fields: Sequence[str] = ("file",)

    def __init__(self, *, file: str = "{{ params.file }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file

    @cached_property
    def imports(self) -> Imports:
        """The folder of the files."""
        return Imports(settings.staging_url())

    @property
    def result(self) -> str:
        """The name of the result file."""
        return result_name(self.file)

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :return: how many lines have each outcome
        :raises BadRequest: if form, file or a line is wrong, or the run was cleared; nothing was sent to GRDF then
        :raises RetryLater: if GRDF or CouchDB does not answer; the next try continues
        :raises GasError: if one of several clients cannot be called; the lines of the others are done
        """
        from grdf.ledger.households import Households
        from grdf.ledger.room import check_connection

        run = Run.of(context)
        run.stop_if_cleared("grdf_import_accounts")
        connection = check_connection(run.params.get("connection", ""))
        content = self._content(check_name(self.file))
        households = Households(self.couchdb, self.adict, file=self.file, asker=run.asked_by)
        lines, documents = self._checked(content, households)
        wrong, dry_run = [each for each in lines if each.outcome == "wrong"], run.params["dry_run"]
        for each in wrong[:IN_LOG]:
            self.log.warning("Line %d of %s is wrong: %s.", each.number, self.file, each.reason)
        if not dry_run and (not wrong or run.params["skip_wrong_lines"]):
            problems = self._work(lines, documents, connection, households)
            if problems:
                open_ = sum(each.outcome == "to declare" for each in lines)
                self.log.warning("%d line(s) of %s are left, and the others are done.", open_, self.file)
                raise first_to_raise(problems, last_try=run.is_last_try)
            return self._done(content, lines)
        self.imports.put(self.result, to_csv(lines))
        found, kept = counts(lines), self.result
        self.log.info("File %s: %s. All lines are in %s.", self.file, _said(found), kept)
        if dry_run:
            self.log.info("Dry run: nothing was sent to GRDF and no account was written.")
            return found
        raise BadRequest.about(
            None,
            f"{len(wrong)} of {len(lines)} lines of {self.file} are wrong",
            f"Nothing was sent to GRDF. See the log and {kept}. Correct the file, or choose to skip wrong lines, and "
            "start again.",
        )

    def _content(self, name: str) -> bytes:
        content = self.imports.read(name)
        if content is None:
            raise BadRequest.about(
                None,
                f"there is no file {name} in {self.imports.folder}",
                f"Nothing was done. If it was worked off, {self.result} says what came of it. Else "
                "put it there, readable for the user that runs Airflow's tasks, and start again.",
            )
        return content

    def _checked(self, content: bytes, households: Households) -> tuple[list[Checked], Mapping[str, Document]]:
        """Return all lines checked, and the documents of the accounts that are there."""
        from grdf.ledger.meters import asking

        lines = with_done(check_lines(read_lines(content)), (self.imports.read(self.result) or b"").decode())
        meters = self.ledger.fetch(each.pce for each in lines if each.outcome == "to declare")
        for at, each in enumerate(lines):
            if each.outcome == "to declare" and not each.account:
                lines[at] = replace(each, account=households.known(each, meters[each.pce]))
        documents = self.couchdb.fetch(ACCOUNT, {each.account for each in lines if each.account})
        left = all_left(self.couchdb.scan(AUDIT))
        for at, each in enumerate(lines):
            if each.outcome == "to declare":
                document, who = documents.get(each.account), asking(each.account, "")
                lines[at] = check_beside(each, document, meters[each.pce], who, left=each.account in left)
        return lines, documents

    def _work(
        self, lines: list[Checked], documents: Mapping[str, Document], connection: str, households: Households
    ) -> list[GasError]:
        """Take in the households of all lines to declare, and note in ``lines`` what came of each.

        :param documents: those of their accounts that are there
        :param connection: the client that new accounts get; ``""`` for the first one that has room
        :return: why some are still to be declared
        """
        from grdf.ledger.room import client_with_room

        meters, aside, open_ = self._meters_of_clients(), dict[str, GasError](), list[GasError]()
        left, told = [at for at, each in enumerate(lines) if each.outcome == "to declare"], 0.0
        for number, at in enumerate(left):
            if time.monotonic() - told >= TELL_EVERY:
                self._tell(number, len(left) - number, connection)
                told = time.monotonic()
            document = documents.get(lines[at].account)
            client = client_if_known(document) if document else connection or client_with_room(meters)
            if client in aside:
                continue
            line = replace(lines[at], account=lines[at].account or f"{PREFIX}{secrets.token_hex(5)}")
            try:
                lines[at] = households.take_in(line, client)
            except OF_CLIENT as error:
                self.log.error("%s: %s Its lines are put aside; those of other clients go on.", client, error)
                aside[client] = error
            except (StoreBusy, UnknownRefusal, RefusalUnexplained) as error:  # the first: another task is declaring it
                self.log.warning("Line %d of %s stays open. %s", line.number, self.file, error)
                open_.append(error)
                if len(open_) == MOST_OPEN:
                    raise
            except FailNow as error:
                lines[at] = self._refused(line, error)
            self.imports.put(self.result, to_csv(lines))
        return [*aside.values(), *open_]

    def _meters_of_clients(self) -> Counter[str]:
        """Return how many meters each of several clients has. A single one is not asked whether it has room."""
        meters = self.ledger.every() if len(self.clients()) > 1 else ()
        return Counter(client for meter in meters for client in {each.client for each in meter.rights if each.account})

    def _refused(self, line: Checked, error: FailNow) -> Checked:
        reason = error.cause.replace(f"meter {meter_tag(line.account, line.pce)}", "its meter")
        self.log.warning("Line %d of %s is refused: %s.", line.number, self.file, reason)
        return replace(line, outcome="refused", reason=reason)

    def _done(self, content: bytes, lines: Sequence[Checked]) -> dict[str, int]:
        """Store the result, and remove the file unless somebody has just replaced it."""
        same = self.imports.read(self.file) == content
        self.imports.put(self.result, to_csv(lines, ended=same))
        if same:
            self.imports.remove(self.file)
        found = counts(lines)
        end = "The file is removed" if same else "The file has changed in the meantime: start again to import it"
        self.log.info(
            "File %s: %s. %s; all lines are in %s.",
            self.file, _said(found), end, self.result,
        )  # fmt: skip
        return found

    def _tell(self, done: int, left: int, connection: str) -> None:
        from grdf.quota.shared_quota import how_long

        client = self.adict.named(connection) if connection else self.clients()[0]
        least = how_long(client.oauth.facts, 2 * left, "history")
        self.log.info("%d line(s) declared in this try, %d left: %s, at the least.", done, left, least)


def _said(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in found.items())
