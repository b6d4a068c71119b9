"""What every part of the sandbox needs at hand: its state, its clock and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from flask import current_app

from . import identity, paris
from .store import Store

#: Settings that ``POST /sandbox/settings`` takes, with their defaults.
DEFAULTS: Final[dict[str, Any]] = {
    "calls_per_second": None,  # number or null: no limit
    "calls_per_day": None,  # whole number or null: no limit
    "retry_after": None,  # seconds to say in Retry-After on 429, null: no header
    "token_lifetime_s": 14399,
    "id_token_lifetime_s": 3600,
    "code_lifetime_s": 60,
    "pkce": "known",  # or "required", or "unknown": the server passes over it
    "authorize_error": None,  # an OAuth error with which the authorize page sends the browser back at once
    "id_token_alg": "HS256",  # or RS256
    "id_token_clock": "wall",  # or "sandbox": which clock iat and exp follow
    "id_token_claims": {},  # laid over the claims at the end; null takes a claim away
    "redirect_uris": [],  # beside those of the command line
    "no_right_status": 200,  # HTTP status of refusal 1000002: 200 or 403
    "outside_perimeter": "truncate",  # or "refuse"
    "declared_right_state": "A valider",  # state of a right made by PUT: or "Active"
    "second_revocation_status": 409,  # or 404
    "too_many_rights": False,  # lists of access rights are refused as too long (200, with an asynchronous id)
    "rights_layout": [],  # layout quirks of access-right lists
    "faults": [],  # see faults.py
}


@dataclass(slots=True)
class World:
    """The running sandbox.

    :param store: its state.
    :param port: TCP port it listens on.
    :param redirect_uris: those of the command line.
    """

    store: Store
    port: int
    redirect_uris: tuple[str, ...] = (identity.DEFAULT_REDIRECT_URI,)

    def now(self) -> datetime:
        """Return the sandbox's present instant (UTC): the machine's, moved by what the control API set. It ticks."""
        return datetime.now(UTC) + timedelta(seconds=self.store.get("clock_offset_s", 0.0))

    def set_clock(self, now: datetime | None) -> None:
        """Move the clock.

        :param now: aware instant that is now the present; None for the machine's own time.
        """
        offset = 0.0 if now is None else (now - datetime.now(UTC)).total_seconds()
        self.store.put("clock_offset_s", offset)

    def today(self) -> date:
        """Return the sandbox's civil day in Paris."""
        return paris.civil_day(self.now())

    def setting(self, name: str) -> Any:
        """Return one setting of :data:`DEFAULTS`.

        :param name: its name.
        """
        return self.store.get(name, DEFAULTS[name])

    @property
    def shift_years(self) -> int:
        """Whole years that the real household's figures are moved, fixed at the first start."""
        years: int = self.store.get("real_shift_years", 0)
        return years


def world() -> World:
    """Return the world of the request at hand."""
    found: World = current_app.extensions["sandbox"]
    return found
