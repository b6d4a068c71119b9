"""The steps of a life. Each step is a method of :class:`Leader`.

A life is a date and a list of steps. A step is a tuple of its name and plain values, so that a life can be printed,
kept in a test and repeated. A step for which the world is not ready does nothing.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from include.gas.display.account_summary import Situation, summarize_account
from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import GasError
from include.gas.leaving.deletion import is_open
from include.sandbox.adict import paris
from tests.model import tasks
from tests.model.runs import Runs
from tests.model.truth import Untrue
from tests.model.wire import COUCH, GRDF, Trouble
from tests.model.world import ACCOUNTS, METERS, begin, terms

Step = tuple[Any, ...]
Life = tuple[str, list[Step]]

SETTLE = (1, 1, 1, 1, 2, 3, 5, 15, 20, 29)
"""Days between the mornings after all trouble has ended."""
ODD_CODES = ("1000002", "1000000", "1000001", "1000014", "1000010")


@dataclass
class Leader(Runs):
    """The leader of one life, which performs its steps."""

    def step(self, step: Step) -> None:
        """Perform a step, and check whether the truth still holds.

        :raises Untrue: if it does not
        """
        name, *values = step
        self.world.say(f"{name}{tuple(values)}")
        getattr(self, f"do_{name}")(*values)
        self.world.book.check()

    # -- households -------------------------------------------------------------------------------------------------

    def do_connect(
        self, account: str, meters: list[int], way: str, back: int, ahead: int, calls: int, more: str
    ) -> None:
        """A household consents, and its consent arrives here in one of three ways."""
        world, nonce = self.world, f"nonce-{next(self.numbers)}"
        stored = world.account(account)
        if stored and stored.get("leaving"):
            return
        given = terms(world.today, back, ahead, calls, daily=more != "narrow")
        pces = [METERS[number] for number in meters]
        code, _ = world.consent(account, pces, given, keep_others=more == "beside", nonce=nonce)
        if way == "page":
            self._by_page(account, code, nonce)
            self._begin(account)
            return
        world.book.came_back(account)
        if way == "code":
            parts: dict[str, Any] = {
                "oauth": {"code": code, "redirect_uri": "https://airflow.example/grdf/callback", "nonce": nonce}
            }
        else:
            token = world.exchanged(code)
            parts = {
                "oauth": {"access_token": token["access_token"], "nonce": nonce},
                "oauth_callback_results": {
                    **((stored or {}).get("oauth_callback_results") or {}), "id_token": token["id_token"],
                },
            }  # fmt: skip
        if stored is None or way == "code" or (stored.get("state") or "").startswith("USER_ACTION_NEEDED"):
            world.put_account(account, parts)
        self._begin(account)

    def _begin(self, account: str) -> None:
        if self.world.wire.actor is None and account not in self.open:
            self._run(account, "manual", None)

    def _by_page(self, account: str, code: str, nonce: str) -> None:
        from grdf.page.connect.client_connect import Attempt, finish_consent
        from grdf.page.connect.opener import ConnectionStopped, Opener

        self.world.book.came_back(account)
        outer, self.world.wire.actor = self.world.wire.actor, account
        try:
            finish_consent(Attempt(account, "grdf_adict", nonce=nonce, verifier=""), Opener(account, "operator"), code)
        except (ConnectionStopped, GasError) as error:
            self.world.say(f"  the page says {error}")
        except tasks.Killed:
            self.world.say("  the API server dies")
        finally:
            self.world.wire.actor = outer

    def do_revoke(self, meter: int, account: str, source: str) -> None:
        """A holder (or GRDF) revokes an account's right to a meter."""
        for right in self.world.rights_of(METERS[meter]):
            if self.world.book.owner.get(right["id_droit_acces"]) == account:
                self.world.end_right(right, source)

    def do_move(self, meter: int, old: str, new: str, way: str) -> None:
        """A meter changes hands: the old tenant revokes, the new one connects."""
        if old == new:
            return
        self.do_revoke(meter, old, "TITULAIRE")
        self.do_connect(new, [meter], way, 20, 400, 400, "beside")

    # -- GRDF -------------------------------------------------------------------------------------------------------

    def do_hole(self, meter: int, back: int, length: int) -> None:
        """GRDF's answers omit some days."""
        pce, first = METERS[meter], self.world.today - timedelta(days=back)
        days = [(first + timedelta(days=n)).isoformat() for n in range(length)]
        known = (self.world.oddities(pce).get("lines") or {}).get("missing") or []
        self.world.oddities(pce, lines={"missing": sorted({*known, *days})})

    def do_fill(self, meter: int) -> None:
        """GRDF has those days after all."""
        self.world.oddities(METERS[meter], lines={"missing": []})

    def do_correct(self, meter: int, back: int, energy: int | None) -> None:
        """GRDF corrects a day, or withdraws it."""
        self.world.correct(METERS[meter], self.world.today - timedelta(days=back), energy)

    def do_refuse(self, meter: int, code: int) -> None:
        """GRDF refuses a meter without reason."""
        self.world.oddities(METERS[meter], refusal=ODD_CODES[code])

    def do_relent(self, meter: int) -> None:
        """GRDF stops refusing the meter."""
        self.world.oddities(METERS[meter], refusal=None)

    def do_partial(self, meter: int, back: int, times: int) -> None:
        """GRDF fails on part of its answers."""
        day = (self.world.today - timedelta(days=back)).isoformat()
        self.world.oddities(METERS[meter], lines={"partial": {"from": day, "times": times}})

    def do_lists(self, how: str, times: int) -> None:
        """GRDF's next complete lists of rights are damaged."""
        self.world.wire.lists = [how] * times

    # -- time and trouble -------------------------------------------------------------------------------------------

    def do_days(self, number: int) -> None:
        """Some mornings pass, each with everything that runs then."""
        for _ in range(number):
            self.morning()

    def do_pass(self, hours: int) -> None:
        """Time passes while Airflow is not running."""
        self.world.clock.pass_(3600 * hours)

    def do_set(self, name: str, value: int) -> None:
        """An operator changes a setting."""
        tasks.setting(name, value)
        if name == "publication_days":
            self.publication_days = value

    def do_trouble(self, host: str, after: int, what: str, times: int) -> None:
        """A later request will fail."""
        self.world.wire.troubles.append(Trouble({"grdf": GRDF, "couch": COUCH}[host], after, what, times))

    def do_meanwhile(self, after: int, step: Step) -> None:
        """Something will happen while a task is running."""
        name, *values = step

        def doing() -> None:
            self.world.say(f"  meanwhile {name}{tuple(values)}")
            getattr(self, f"do_{name}")(*values)

        self.world.wire.meanwhile.append((after, doing))

    # -- our tasks --------------------------------------------------------------------------------------------------

    def morning(self) -> None:
        """Go to the next morning: run the check of consents, each account's DAG, then the published data."""
        at = paris.at_hour(self.world.today, 7) + timedelta(minutes=30)
        if at <= self.world.clock.now:
            at += timedelta(days=1)
        self.world.clock.until(at)
        self.do_check()
        for account in ACCOUNTS:
            self._scheduled(account)
        self.world.book.check()

    def do_during(self, account: str, after: int, step: Step) -> None:
        """Something happens during one of a run's requests."""
        self.do_meanwhile(after, step)
        self.do_run(account)

    def do_between(self, account: str, step: Step) -> None:
        """Something happens between a run's ``extract`` and its ``load``."""
        self.do_extract(account, "manual")
        name, *values = step
        getattr(self, f"do_{name}")(*values)
        self.do_load(account)

    def do_overlap(self, first: Step, after: int, second: Step) -> None:
        """A household consents, and consents again during its first run (-1: before that run loads)."""
        _, account, meters, _, *given = first
        self.do_connect(account, meters, "page", *given)
        if after < 0:
            self.do_between(account, second)
        else:
            self.do_during(account, after, second)

    # -- the end ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """End all trouble, let enough mornings pass, and check everything that must be true then.

        :raises Untrue: if it is not
        """
        world = self.world
        world.say("all is calm")
        world.wire.calm = True
        world.wire.lists, world.wire.meanwhile, world.wire.troubles = [], [], []
        for pce in METERS:
            world.oddities(pce, refusal=None, lines={"missing": [], "partial": None})
        for account in sorted(world.book.leaving):
            records = world.couch.documents(database_name(AUDIT)).values()
            begun = [each for each in records if each["account"] == account and is_open(each)]
            self.do_leave(account, any(each["keep_data"] for each in begun), 9)
        world.book.check()
        for days in SETTLE:
            world.clock.pass_((days - 1) * 86_400)
            self.morning()
        until = world.today - timedelta(days=4 + self.publication_days)
        for account in ACCOUNTS:
            document = world.account(account)
            line = summarize_account(document or {})
            well = document is not None and line.situation(world.today) is Situation.WELL
            world.book.settled(account, until, world.told_now, well=well, told=sum(line.missing(world.today)))
        world.book.check()


def lead(life: Life, staging: Path) -> Leader:
    """Lead a life to its end.

    :param life: the day on which it begins, and its steps
    :param staging: a folder for staged answers, which is emptied first
    :raises Untrue: if the truth did not hold, with what has happened
    """
    start, steps = life
    shutil.rmtree(staging, ignore_errors=True)
    for name, value in tasks.SETTINGS.items():
        tasks.setting(name, value)
    world = begin(date.fromisoformat(start), staging)
    leader = Leader(world)
    try:
        for step in steps:
            leader.step(step)
        leader.settle()
    except Untrue as untrue:
        raise Untrue(f"{untrue}\n\n{told(life)}\n\n" + "\n".join(world.diary)) from None
    except Exception as error:
        error.add_note(f"{told(life)}\n\n" + "\n".join(world.diary))
        raise
    finally:
        world.end()
    return leader


def told(life: Life) -> str:
    """Return a life as text that can be used to repeat it."""
    start, steps = life
    return "\n".join([f"LIFE = ({start!r}, [", *(f"    {step!r}," for step in steps), "])"])
