"""The steps of a life: tuples of a name and plain values, to be printed and repeated. One out of place does nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from include.gas.display.account_summary import Situation, summarize_account
from include.gas.leaving.deletion import is_open
from include.sandbox.adict.access.rights import REVOCABLE
from tests.model.truth import Truth
from tests.model.witnessed import METERS
from tests.promises.adapter import RECORDS_OF_DELETIONS, Fault, Killed

Step = tuple[Any, ...]
Life = tuple[str, list[Step]]

ACCOUNTS = ("alder", "birch", "cedar")
SETTLE = (1, 1, 1, 1, 2, 3, 5, 15, 20, 29)
"""Days between the mornings after all trouble has ended."""
ODD_CODES = ("1000002", "1000000", "1000001", "1000014", "1000010")


def damage_list(how: str, body: bytes) -> bytes:
    *lines, status = body.decode().splitlines()
    kept = {"empty": [], "odd": [*(line[: len(line) // 2] for line in lines[:1]), *lines[1:]]}
    return "\n".join([*kept.get(how, lines[: len(lines) // 2]), status, ""]).encode()


class Leader(Truth):
    publication_days = 1

    def step(self, step: Step) -> None:
        self.do(step)
        self.check_truth()

    def do(self, step: Step) -> None:
        name, *values = step
        self.note(f"{name}{tuple(values)}")
        getattr(self, f"do_{name}")(*values)

    def do_connect(
        self, account: str, meters: list[int], way: str, back: int, ahead: int, calls: int, more: str
    ) -> None:
        stored = self.account(account)
        if stored.get("leaving"):
            return
        if not stored:  # a deletion that stopped near its end has nothing more to do
            self.leaving.pop(account, None)
        terms = {"back": back, "end": max(self.ago(-ahead), self.ago(back - 1)), "ahead": calls}
        terms |= {"keep_others": more == "beside"}
        terms |= {"perimeters": ("publiees", "contractuelles")} if more == "narrow" else {}
        pces = [METERS[number] for number in meters]
        try:
            if way == "cozy" and stored and not self.state(account).startswith("USER_ACTION_NEEDED"):
                self.agree(account, *pces, **terms)  # cozy-stack does not ask for a new token
            else:
                self.connect(account, *pces, way=way, run=False, **terms)
        except (Killed, BaseExceptionGroup):
            self.note("  the API server dies")
        if self.account(account):
            self.run(account)

    def do_revoke(self, meter: int, account: str, source: str) -> None:
        mine = [each for each in self.rights(METERS[meter]) if self.owner.get(each["id_droit_acces"]) == account]
        self.revoke(*(each["id_droit_acces"] for each in mine if each["etat_droit_acces"] in REVOCABLE), source=source)

    def do_move(self, meter: int, old: str, new: str, way: str) -> None:
        if old != new:
            self.do_revoke(meter, old, "TITULAIRE")
            self.do_connect(new, [meter], way, 20, 400, 400, "beside")

    def do_leave(self, account: str, keep: bool, stop: str) -> None:
        if not self.account(account) and account not in self.leaving:
            return
        self.stop = stop
        ended = self.leave(account, keep_data=keep)
        self.stop = ""
        if ended.state != "success":
            return
        if keep and account not in self.removing:
            self.leaving.pop(account, None)
        else:
            self.has_left(account)

    def do_hole(self, meter: int, back: int, length: int) -> None:
        known = (self.odd(METERS[meter])["lines"]).get("missing") or []
        days = [str(self.ago(back - number)) for number in range(length)]
        self.odd(METERS[meter], lines={"missing": sorted({*known, *days})})

    def do_fill(self, meter: int) -> None:
        self.odd(METERS[meter], lines={"missing": []})

    def do_correct(self, meter: int, back: int, energy: int | None) -> None:
        self.correct(METERS[meter], self.ago(back), energy)

    def do_refuse(self, meter: int, code: int | None) -> None:
        self.odd(METERS[meter], refusal=None if code is None else ODD_CODES[code])

    def do_partial(self, meter: int, back: int, times: int) -> None:
        self.odd(METERS[meter], lines={"partial": {"from": str(self.ago(back)), "times": times}})

    def do_lists(self, how: str, times: int) -> None:
        self.fault(partial(damage_list, how), "/droits_acces$", method="GET", times=times)

    def do_days(self, number: int) -> None:
        self.mornings(number)

    def do_pass(self, hours: int) -> None:
        """Time passes while Airflow is not running."""
        self.pass_(hours=hours)

    def do_set(self, name: str, value: int) -> None:
        self.set(**{name: value})
        if name == "publication_days":
            self.publication_days = value

    def do_trouble(self, host: str, after: int, what: str, times: int) -> None:
        half: dict[str, Any] = {"half": lambda body: body[: len(body) // 2]}
        kind = int(what) if what.isdigit() else half.get(what, what)
        late = 20 if what == "429" else None
        self.faults.append(Fault(kind, times=times, after=after, retry_after=late, couchdb=host == "couch"))

    def do_meanwhile(self, after: int, step: Step) -> None:
        self.meanwhile(after, lambda: self.do(step))

    def do_run(self, account: str) -> None:
        if self.account(account):
            self.run(account)

    def do_during(self, account: str, after: int, step: Step) -> None:
        self.do_meanwhile(after, step)
        self.do_run(account)

    def do_between(self, account: str, step: Step) -> None:
        """Something happens between a run's ``extract`` and its ``load``."""
        self.before[f"grdf_account__{account}", "load"] = lambda: self.do(step)
        self.do_run(account)
        self.before.clear()

    def do_overlap(self, first: Step, after: int, second: Step) -> None:
        """A household consents, and consents again during its first run (-1: before that run loads)."""
        _, account, meters, _, *given = first
        self.do_connect(account, meters, "page", *given)
        self.do_between(account, second) if after < 0 else self.do_during(account, after, second)

    def do_backfill(self, account: str, back: int) -> None:
        if self.account(account):
            self.backfill(account, self.ago(back), self.ago(back - 1))

    def do_history(self, account: str, back: int, length: int, definitive: bool) -> None:
        if self.account(account):
            first = self.ago(back)
            self.history(first, first + timedelta(days=length), account, definitive=definitive)

    def do_published(self) -> None:
        self.run_dag("grdf_published", "scheduled")

    def do_check(self) -> None:
        self.check()

    def settle(self) -> None:
        """End all trouble, let enough mornings pass, and check everything that must be true then."""
        self.note("all is calm")
        self.calm()
        self.planned.clear()
        for pce in METERS:
            self.odd(pce, refusal=None, lines={"missing": [], "partial": None})
        for account in sorted(self.leaving):
            begun = [each for each in self.documents(RECORDS_OF_DELETIONS).values() if each.get("account") == account]
            self.do_leave(account, any(each["keep_data"] for each in begun if is_open(each)), "")
        for days in SETTLE:
            self.pass_(days=days - 1)
            self.mornings()
            self.check_truth()
        self.untrue += [f"8: {each} is no sum" for each in self.wrong_totals()]
        for account in ACCOUNTS:
            line = summarize_account(self.account(account))
            well = line.situation(self.today) is Situation.WELL
            shown = sum(line.missing(self.today))
            self.check_settled(account, self.ago(4 + self.publication_days), well=well, shown=shown)
        self.check_truth()


def lead(life: Life, new_town: Callable[..., Any]) -> None:
    start, steps = life
    leader = new_town(date.fromisoformat(start), Leader, reread_days=5)
    try:
        for step in steps:
            leader.step(step)
        leader.settle()
    except Exception as error:
        text = "\n".join([f"LIFE = ({start!r}, [", *(f"    {step!r}," for step in steps), "])"])
        error.add_note(f"{text}\n\n" + "\n".join(leader.diary))
        raise
