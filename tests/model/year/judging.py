"""How the truth judges an evening, and all that is stored (the rules of ``truth.py``)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.model.year.post import named_in
from tests.model.year.truth import Stay, Wrong, end_day, first_day, is_in_force
from tests.promises.adapter import ACCOUNTS, DAYS, MONTHS, YEARS

if TYPE_CHECKING:
    from tests.model.year.simulation import Year

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
SILENT_AFTER = 5
"""Age of a meter's newest day, in days, from which it may be called silent."""
READ_EACH_MORNING = timedelta(days=62)
WHOLE_EACH = timedelta(days=31)
"""Four weeks, and the two mornings by which a quiet household's run may come later."""
SETTLED_AFTER = timedelta(days=14)
"""GRDF estimates some days first, and changes them within this time."""


def judge_evening(year: Year, mails: list[str]) -> None:
    """Judge the day's mails and what each account says."""
    if len(mails) > 1:
        year.note_wrong(5, "", f"{len(mails)} mails in a day")
    for mail in mails:
        for subject, name, line in named_in(mail):
            if not may_be_said(year, subject, name):
                year.note_wrong(4, name or "the fleet", f"mail, {subject}: {line[:160]}")
    rights = year.rights()
    for account, document in year.documents(ACCOUNTS).items():
        state = str(document.get("state") or "")
        if not state.startswith("USER_ACTION_NEEDED") or account in year.book.deleted:
            continue
        came_today = year.book.events_since(account, year.today)
        waits = year.book.waits_for_answer(account, rights)
        if year.book.needs_nothing(account, rights, year.today) and not came_today and not waits:
            year.note_wrong(4, account, f"state {state}: {str(document.get('state_message'))[-200:]}")


def may_be_said(year: Year, subject: str, name: str) -> bool:
    """Return whether there is a reason to name an account, or a right, for a cause."""
    rights, has_trouble = year.rights(), year.book.trouble_until >= year.today
    was_restored = year.book.restored_on >= year.ago(6)
    if subject == "grdf":
        return has_trouble
    if subject == "connect":
        households = [name] if name else year.documents(ACCOUNTS)
        return any(not year.book.needs_nothing(account, rights, year.today) for account in households)
    if subject == "ending":
        ends = [end_day(right) for right in year.book.given_by(name, rights) if is_in_force(right, year.today)]
        return bool(ends) and max(ends) <= year.ago(-31)
    if subject == "silent":
        return has_trouble or (bool(name) and _is_silent(year, name))
    if subject == "lost":
        return was_restored and not (name and year.account(name))
    if subject == "unclaimed":
        givers = [year.book.giver(right) for right in rights if right["id_droit_acces"] == name]
        return was_restored and not any(year.account(giver) for giver in givers)
    return False


def _is_silent(year: Year, account: str) -> bool:
    """Return whether GRDF has no young day of a meter that the household lives with."""
    for stay in year.book.stays_of(account):
        young = year.grdf_days(stay.pce, year.ago(SILENT_AFTER), year.today)
        if stay.until > year.today and not young:
            return True
    return False


def judge_all(year: Year) -> None:
    """Judge all stored days and totals, and whether what must be stored is."""
    year.rights_now.clear()
    stored: dict[tuple[str, str], dict[date, float]] = defaultdict(dict)
    for key, document in year.documents(DAYS).items():
        account, pce, day = key.split(":")
        stored[account, pce][date.fromisoformat(day)] = document["load"]
    for (account, pce), days in stored.items():
        rights = year.rights_to(pce)
        foreign = sorted(day for day in days if not year.book.is_own_day(account, day, pce, rights))
        if foreign:
            text = f"has {len(foreign)} days of {pce} that are not its own, {foreign[0]} to {foreign[-1]}"
            year.note_wrong(1, account, text)
    _judge_totals(year)
    for stay in year.book.stays:
        _judge_wholeness(year, stay, stored[stay.account, stay.pce])


def _judge_totals(year: Year) -> None:
    sums: dict[str, list[float]] = defaultdict(list)
    for key, document in year.documents(DAYS).items():
        sums[key[:-3]].append(document["load"])
        sums[key[:-6]].append(document["load"])
    due = {key: (sum(loads), len(loads)) for key, loads in sums.items()}
    due |= {key: total for key, total in year.closed.items() if key.partition(":")[0] not in year.book.deleted}
    documents = {**year.documents(MONTHS), **year.documents(YEARS)}
    there = {key: (document["load"], document["days"]) for key, document in documents.items()}
    for key in sorted({*due, *there}):
        if there.get(key) != due.get(key):
            closed = " (closed)" if key in year.closed else ""
            year.note_wrong(2, key.partition(":")[0], f"{key}{closed} is {there.get(key)}, must be {due.get(key)}")


def _judge_wholeness(year: Year, stay: Stay, stored: dict[date, float]) -> None:
    """Compare a household's stored days with GRDF's, if nothing has happened to it for a while."""
    today, book = year.today, year.book
    given = book.given_by(stay.account, year.rights_to(stay.pce))
    ours = [right for right in given if right["id_pce"] == stay.pce and is_in_force(right, today)]
    has_news = book.events_since(stay.account, year.ago(5)) or book.events_since("", year.ago(5))
    if not ours or stay.until <= today or has_news or book.trouble_until >= year.ago(4):
        return
    calm_since = max((day for day, name, _ in book.events if name in (stay.account, "")), default=date.min)
    is_calm = calm_since < today - WHOLE_EACH
    oldest = max(today.replace(year=today.year - 3, day=1) + timedelta(days=40), date(today.year - 3, 1, 1))
    first = max(oldest, stay.since, min(first_day(right) for right in ours))
    if not is_calm:
        first = max(first, today - READ_EACH_MORNING + timedelta(days=3))
    end = min(max(end_day(right) for right in ours), today - timedelta(days=6))
    there = year.grdf_days(stay.pce, first, end) if first < end else {}
    lacking = [day for day in there if day not in stored]
    if lacking:
        year.note_wrong(3, stay.account, f"lacks {len(lacking)} days of {stay.pce}, {lacking[0]} to {lacking[-1]}")
    other = [day for day in there if day in stored and stored[day] != there[day] and _is_settled(year, stay.pce, day)]
    if other:
        text = f"{len(other)} days of {stay.pce} are not as GRDF has them, such as {other[0]}: "
        year.note_wrong(3, stay.account, f"{text}{stored[other[0]]}, GRDF has {there[other[0]]}")


def _is_settled(year: Year, pce: str, day: date) -> bool:
    """Return whether GRDF has not changed a day since it was to be read again."""
    changed = year.book.changed_on.get((pce, day), date.min)
    is_young = day > year.today - SETTLED_AFTER
    is_published = 2 < year.today.day < 8 and day > year.today.replace(day=1) - timedelta(days=32)
    return not is_young and not is_published and changed < year.today - WHOLE_EACH


def report(year: Year, seed: int, wrong: Iterable[Wrong]) -> str:
    """Return what is wrong, each thing once with its days, and what happened to the households concerned."""
    groups: dict[tuple[int, str, str], list[Wrong]] = defaultdict(list)
    for item in wrong:
        groups[item.rule, item.account, _DAY.sub("a day", item.text)[:60]].append(item)
    lines = [f"seed {seed}: {len(groups)} thing(s) are wrong"]
    for (rule, account, _), items in sorted(groups.items()):
        span = f"{items[0].day} to {items[-1].day}, {len(items)} times" if len(items) > 1 else f"{items[0].day}"
        lines.append(f"rule {rule}, {account}, {span}: {items[0].text}")
    accounts = {account for _, account, _ in groups if account}
    meters = {stay.pce for stay in year.book.stays if stay.account in accounts}
    accounts |= {stay.account for stay in year.book.stays if stay.pce in meters}
    for account in sorted(accounts):
        lines += ["", f"What happened to {account}:", *(f"  {event}" for event in year.book.events_of(account))]
    return "\n".join(lines)
