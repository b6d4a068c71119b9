"""The mails with which GRDF asks contract holders about rights that a third party has declared for them.

GRDF sends them in batches at each quarter of an hour (ADICT 5); the holder accepts or refuses in the mail. Where
GRDF's documentation says nothing, the sandbox behaves as follows. A right that nobody has answered becomes ``Obsolète``
after 15 days. The page ``/sandbox/mailbox`` is the mailbox of all invented holders.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request

from include.sandbox.adict import answers, paris
from include.sandbox.adict.access import rights
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import World, world

DECLARED: Final = "DECLARATION_TIERS"
"""``parcours`` of a right that a third party has declared."""
WAITING: Final = "A valider"
_QUARTER: Final = timedelta(minutes=15)
_UNANSWERED: Final = timedelta(days=15)

blueprint = Blueprint("mailbox", __name__, url_prefix="/sandbox/mailbox")


def _declared_at(right: rights.Right) -> datetime:
    return datetime.fromisoformat(right["date_creation"]).replace(tzinfo=paris.PARIS)


def _mailed_at(right: rights.Right) -> datetime:
    """Return when GRDF mails the holder: at the first quarter of an hour after the declaration."""
    made = _declared_at(right)
    hour = made.replace(minute=0, second=0, microsecond=0)
    return hour + ((made - hour) // _QUARTER + 1) * _QUARTER


def _mails(at: World) -> list[rights.Right]:
    """Return the rights whose holder has a mail to answer, oldest first."""
    forget_unanswered(at)
    return [right for right in _waiting(at.store) if at.setting("mail_at_once") or _mailed_at(right) <= at.now()]


def answer(store: Store, right: rights.Right, now: datetime, *, accept: bool) -> rights.Right:
    """Let the holder answer, store the right and return it. A right that does not wait stays as it is."""
    if not _waits(right):
        return right
    refused = {"date_passage_a_refuse": rights.stamp(now), "source_passage_a_refuse": "TITULAIRE"}
    state = {"etat_droit_acces": "Active"} if accept else {"etat_droit_acces": "Refusée", **refused}
    return rights.save_right(store, right | state)


def forget_unanswered(at: World) -> None:
    """Make the rights obsolete that nobody has answered for too long."""
    for right in _waiting(at.store):
        if _declared_at(right) < at.now() - _UNANSWERED:
            rights.make_obsolete(at.store, right, "GRDF", at.now())


@blueprint.get("")
def page() -> str:
    """Show the mails that have been sent, and how many will be."""
    at = world()
    sent = _mails(at)
    due = [_mailed_at(right) for right in _waiting(at.store) if right not in sent]
    return render_template("mailbox.html", mails=sent, due=min(due, default=None), later=len(due))


@blueprint.post("/<right_id>")
def answer_mail(right_id: str) -> Response:
    """Take the holder's answer from the page: ``accepter`` or ``refuser``."""
    at = world()
    right = next((each for each in _mails(at) if each["id_droit_acces"] == right_id), None)
    if right is None:
        return answers.body({"error": "There is no such mail to answer."}, 404)
    answer(at.store, right, at.now(), accept=request.form.get("action") == "accepter")
    back: Response = redirect("/sandbox/mailbox", 303)  # type: ignore[assignment]  # werkzeug's own Response
    return back


def _waiting(store: Store) -> list[rights.Right]:
    query = "SELECT body FROM rights WHERE body LIKE ? ORDER BY seq"  # so that the others are not parsed
    return [right for (body,) in store.rows(query, f"%{WAITING}%") if _waits(right := json.loads(body))]


def _waits(right: rights.Right) -> bool:
    return bool(right["parcours"] == DECLARED and right["etat_droit_acces"] == WAITING)
