"""The running sandbox: state, clock, settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from flask import current_app

from include.sandbox.adict import identity, paris
from include.sandbox.adict.store import Store

# Settings of ``POST /sandbox/settings``, with their defaults.
DEFAULTS: Final[dict[str, Any]] = {
    "calls_per_second": None,  # number or null: no limit
    "calls_per_day": None,  # whole number or null: no limit
    "retry_after": None,  # seconds for the header Retry-After of a 429; null: no header
    "token_lifetime_s": 14399,
    "id_token_lifetime_s": 3600,
    "code_lifetime_s": 60,
    "pkce": "known",  # or "required", or "unknown": the server ignores it
    "authorize_error": None,  # an OAuth error with which the consent page redirects the browser at once
    "id_token_alg": "HS256",  # or RS256
    "id_token_clock": "wall",  # or "sandbox": which clock iat and exp follow
    "id_token_claims": {},  # claims to override; null removes a claim
    "redirect_uris": [],  # in addition to those of the command line
    "no_right_status": 200,  # HTTP status of refusal 1000002: 200 or 403
    "declared_right_state": "A valider",  # or "Active": state of a right declared with PUT
    "mail_at_once": False,  # show the holders' mails without waiting for the quarter of an hour
    "second_revocation_status": 409,  # or 404
    "too_many_rights": False,  # refuse lists of access rights as too long (200, with an asynchronous id)
    "real_continues": False,  # whether the real household's figures go on after the file's last day, see real.py
    "faults": [],  # see gate.py
}


@dataclass(slots=True)
class World:
    """The running sandbox."""

    store: Store
    port: int
    redirect_uris: tuple[str, ...] = (identity.DEFAULT_REDIRECT_URI,)

    def now(self) -> datetime:
        """Return the sandbox's time in UTC: the machine's, moved by the set offset."""
        return datetime.now(UTC) + timedelta(seconds=self.store.get("clock_offset_s", 0.0))

    def set_clock(self, now: datetime | None) -> None:
        """Set the clock to an aware time, or, with ``None``, back to the machine's."""
        self.store.put("clock_offset_s", (now - datetime.now(UTC)).total_seconds() if now else 0.0)

    def today(self) -> date:
        """Return the civil date in Paris by the sandbox's clock."""
        return paris.civil_day(self.now())

    def setting(self, name: str) -> Any:
        """Return the setting with a name from :data:`DEFAULTS`."""
        return self.store.get(name, DEFAULTS[name])

    @property
    def real(self) -> dict[str, Any]:
        """Arguments of ``readings.days_now`` for the real household."""
        return {"shift": self.store.get("real_shift_years", 0), "continues": self.setting("real_continues")}


def world() -> World:
    """Return the world of the current request."""
    found: World = current_app.extensions["sandbox"]
    return found
