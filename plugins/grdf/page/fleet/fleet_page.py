"""The page in front of the list: all accounts together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from grdf import dag_settings, settings
from grdf.health.look import client_now
from grdf.page.fleet.columns import Column, Drawing, drawing
from grdf.page.fleet.morning import morning
from grdf.page.html.catalogue import Texts
from grdf.page.html.render import page, texts_for
from grdf.page.html.spelling import Spelling
from grdf.page.list.mirror import meters, mirror
from grdf.page.security import VisitorDep, can_act, can_connect_some, viewable
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.display.fleet import AGES, NAMED, DayCount, Fleet, fleet
from include.gas.documents.gas_days import ACCOUNT_ID, DAG_PREFIX
from include.gas.health.rights_look import RightsLook, look_at_rights

router = APIRouter()

WEEK = 7
ADOPTING = "grdf_adopt_rights"


class Charts(NamedTuple):
    """The page's charts.

    :param ages: accounts by the age of their newest day
    :param days: meters by what is stored of each gas day
    :param exceptions: the same without those for which it is stored as it first came, which are a hundred times as many
    :param names: what each class of ages is called, as on the chart
    """

    ages: Drawing
    days: Drawing
    exceptions: Drawing
    names: tuple[str, ...]


class Told(NamedTuple):
    """What is told of some rights.

    :param kind: as :class:`RightsLook` calls it
    :param accounts: the ids of some of their accounts, in order
    :param more: how many more accounts they have
    """

    kind: str
    number: int
    accounts: tuple[str, ...] = ()
    more: int = 0


@router.get("/fleet")
def fleet_view(request: Request, visitor: VisitorDep) -> Response:
    """Show the accounts that the visitor may see, all together.

    Calls to GRDF and rights are those of all accounts, so they are shown to whoever may see every account.
    """
    lines = mirror().lines()
    accounts = [account for account in lines if ACCOUNT_ID.fullmatch(account)]
    seen = viewable(visitor, accounts)
    now = datetime.now(UTC)
    today = paris_today(now)
    overviews = [lines[account] for account in accounts if account in seen]
    found = fleet(overviews, today)
    sees_all = len(seen) == len(accounts)
    return page(
        request,
        "fleet.html",
        fleet=found,
        charts=charts(found, texts_for(request)),
        morning=morning([each.id for each in overviews if not (each.odd or each.leaving)], now),
        clients=[client_now(name) for name in dag_settings.connections()] if sees_all and overviews else (),
        sees_all=sees_all,
        rights=told_of(look_at_rights(meters(), now)) if sees_all else (),
        adopting=ADOPTING,
        may_adopt=sees_all and can_act(visitor, ADOPTING),
        one_machine=settings.quota_url().startswith("sqlite:"),  # a file holds the calls of one machine
        dag_prefix=DAG_PREFIX,
        utc_text=utc_text,
        read_at=utc_text(now),
        may_connect=can_connect_some(visitor),
    )


def told_of(rights: RightsLook) -> list[Told]:
    """Return what is told of all rights, the most urgent first."""

    def told(kind: str, number: int, accounts: Iterable[str]) -> Told:
        names = sorted(set(accounts))
        return Told(kind, number, tuple(names[:NAMED]), max(0, len(names) - NAMED))

    every = (
        Told("unclaimed", len(rights.unclaimed)),
        told("unanswered", len(rights.unanswered), (right.account for right in rights.unanswered)),
        told("ending", len(rights.ending), (right.account for right in rights.ending)),
        told("shared", len(rights.shared), (name for accounts in rights.shared for name in accounts)),
    )
    return [each for each in every if each.number]


def charts(found: Fleet, t: Texts) -> Charts:
    """Return the page's charts."""
    spell = Spelling(t.language)
    names = _names(t)
    ages = [
        Column(name, t("fleet.age.text", age=name, number=spell.number(age.number)), {"newest": age.number})
        for name, age in zip(names, found.ages, strict=True)
    ]
    days = [Column(spell.short(count.day), _day_text(count, t), _kinds(count)) for count in found.days]
    exceptions = [column._replace(parts={**column.parts, "stored": 0}) for column in days]
    return Charts(drawing(ages), drawing(days, WEEK), drawing(exceptions, WEEK), names)


def _names(t: Texts) -> tuple[str, ...]:
    firsts = [0, *(age + 1 for age in AGES)]
    names = [t("fleet.age.most", days=AGES[0])]
    names += [
        str(last) if first == last else f"{first}–{last}" for first, last in zip(firsts[1:], AGES[1:], strict=False)
    ]
    return (*names, t("fleet.age.more", days=AGES[-1]), t("fleet.age.none"))


def _day_text(count: DayCount, t: Texts) -> str:
    spell = Spelling(t.language)
    counts = (f"{t(f'fleet.day.{kind}')}: {spell.number(number)}" for kind, number in _kinds(count).items())
    return ", ".join([spell.day(count.day), *counts])


def _kinds(count: DayCount) -> Mapping[str, int]:
    return {kind: getattr(count, kind) for kind in ("stored", "corrected", "missing", "expected")}
