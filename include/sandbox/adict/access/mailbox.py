"""The mails with which GRDF asks holders about declared rights, each quarter of an hour (ADICT 5).

Unknown at GRDF: an unanswered right becomes ``Obsolète`` after 15 days. ``/sandbox/mailbox`` has all holders' mails,
can send those that wait, and shows bills of meters that nobody has declared yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request

from include.sandbox.adict import answers, paris
from include.sandbox.adict.access import rights
from include.sandbox.adict.meter_data import meters
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import World, world

DECLARED: Final = "DECLARATION_TIERS"
"""``parcours`` of a declared right."""
WAITING: Final = "A valider"
_QUARTER: Final = timedelta(minutes=15)
_UNANSWERED: Final = timedelta(days=15)
_BILLS: Final = 3
_SENT: Final = "mails_sent_at"

blueprint = Blueprint("mailbox", __name__, url_prefix="/sandbox/mailbox")


def _declared_at(right: rights.Right) -> datetime:
    return datetime.fromisoformat(right["date_creation"]).replace(tzinfo=paris.PARIS)


def _mailed_at(right: rights.Right) -> datetime:
    """Return when GRDF mails the holder: at the next quarter of an hour."""
    made = _declared_at(right)
    hour = made.replace(minute=0, second=0, microsecond=0)
    return hour + ((made - hour) // _QUARTER + 1) * _QUARTER


def _mails(at: World) -> list[rights.Right]:
    forget_unanswered(at)
    sent = at.store.get(_SENT, "")
    return [
        right
        for right in _waiting(at.store)
        if at.setting("mail_at_once") or _mailed_at(right) <= at.now() or right["date_creation"] <= sent
    ]


def answer(store: Store, right: rights.Right, now: datetime, *, accept: bool) -> rights.Right:
    """Let the holder answer a waiting right, store and return it."""
    if not _waits(right):
        return right
    refused = {"date_passage_a_refuse": rights.stamp(now), "source_passage_a_refuse": "TITULAIRE"}
    state = {"etat_droit_acces": "Active"} if accept else {"etat_droit_acces": "Refusée", **refused}
    return rights.save_right(store, right | state)


def forget_unanswered(at: World) -> None:
    """Make rights obsolete that were not answered for too long."""
    for right in _waiting(at.store):
        if _declared_at(right) < at.now() - _UNANSWERED:
            rights.make_obsolete(at.store, right, "GRDF", at.now())


@blueprint.get("")
def page() -> str:
    """Show the mails sent, how many will be, and bills to try it with."""
    at = world()
    sent = _mails(at)
    due = [_mailed_at(right) for right in _waiting(at.store) if right not in sent]
    bills = [(meters.known_holder(each.pce), each) for each in islice(_undeclared(at.store), _BILLS)]
    return render_template("mailbox.html", mails=sent, due=min(due, default=None), later=len(due), bills=bills)


@blueprint.post("/send")
def send() -> Response:
    """Send the mails that wait now, not at the quarter of an hour."""
    at = world()
    at.store.put(_SENT, rights.stamp(at.now()))
    return _back()


@blueprint.post("/<right_id>")
def answer_mail(right_id: str) -> Response:
    """Take the holder's answer: ``accepter`` or ``refuser``."""
    at = world()
    right = next((each for each in _mails(at) if each["id_droit_acces"] == right_id), None)
    if right is None:
        return answers.body({"error": "There is no such mail to answer."}, 404)
    answer(at.store, right, at.now(), accept=request.form.get("action") == "accepter")
    return _back()


def _back() -> Response:
    return redirect("/sandbox/mailbox", 303)  # type: ignore[return-value]  # werkzeug's own Response


def _undeclared(store: Store) -> Iterator[meters.Meter]:
    every = (meters.Meter(f"0999999{number:07}") for number in count(1))
    return (meter for meter in every if not rights.rights_to_meter(store, meter.pce))


def _waiting(store: Store) -> list[rights.Right]:
    query = "SELECT body FROM rights WHERE body LIKE ? ORDER BY seq"  # so that others are not parsed
    return [right for (body,) in store.rows(query, f"%{WAITING}%") if _waits(right := json.loads(body))]


def _waits(right: rights.Right) -> bool:
    return bool(right["parcours"] == DECLARED and right["etat_droit_acces"] == WAITING)
