"""A client of the control API, and a holder who clicks through GRDF's pages and mails."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

_TIMEOUT = 30


class ControlRefused(RuntimeError):
    """The sandbox refused a request, with this text."""


class SandboxControl:
    """A client that controls a running sandbox at its root, such as ``http://127.0.0.1:8181``."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/").removesuffix("/sandbox")
        self._http = requests.Session()

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, f"{self.base_url}/sandbox/{path}", timeout=_TIMEOUT, **more)
        if not answer.ok:
            raise ControlRefused(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def now(self) -> datetime:
        """Return the time of the sandbox's clock, as an aware datetime."""
        return datetime.fromisoformat(self._call("GET", "clock")["now"])

    def today(self) -> date:
        """Return the civil date in Paris by the sandbox's clock."""
        return date.fromisoformat(self._call("GET", "clock")["today"])

    def set_clock(self, now: datetime | str | None) -> None:
        """Set the clock to a time with an offset; ``None`` for the machine's."""
        self._call("POST", "clock", json={"now": now.isoformat() if isinstance(now, datetime) else now})

    def expected(self, pce: str, first: date | str, end: date | str) -> dict[str, float]:
        """Return kWh by day for exactly the days that an ideal client could read now."""
        return dict(self._call("GET", f"meters/{pce}/days", params={"from": str(first), "to": str(end)}))

    def correct(self, pce: str, day: date | str, energie: float | None, qualif: str = "Corrigé") -> None:
        """Make GRDF correct a day to so many kWh; ``None`` withdraws it."""
        self._call("POST", f"meters/{pce}/corrections", json={"day": str(day), "energie": energie, "qualif": qualif})

    def uncorrect(self, pce: str) -> None:
        """Undo all corrections of a meter."""
        self._call("DELETE", f"meters/{pce}/corrections")

    def set_quirks(self, pce: str, **quirks: Any) -> None:
        """Replace a meter's quirks (``adict.meter_data.quirks``)."""
        self._call("POST", f"meters/{pce}/quirks", json=quirks)

    def consents(self) -> list[dict[str, Any]]:
        """Return all access rights, oldest first."""
        return list(self._call("GET", "consents"))

    def consent(self, pces: Iterable[str], **terms: Any) -> list[dict[str, Any]]:
        """Create access rights without Client Connect; their ids are the ``id_accreditation`` of an ``id_token``.

        :param terms: ``perimeters``, ``conso_debut``, ``conso_fin``, ``droit_debut``, ``droit_fin`` (ISO dates),
            ``keep_others``, ``company``, ``fields``
        """
        return list(self._call("POST", "consents", json={"pces": list(pces), **terms}))

    def own_contracts(self, pces: Iterable[str], **terms: Any) -> list[dict[str, Any]]:
        """Create the rights of a third party's own contracts. ``terms``: ``company``, ``injection``."""
        return list(self._call("POST", "contracts", json={"pces": list(pces), **terms}))

    def change_consent(self, right_id: str, **fields: Any) -> dict[str, Any]:
        """Set fields of an access right, such as ``etat_droit_acces``."""
        return dict(self._call("PATCH", f"consents/{right_id}", json=fields))

    def revoke(self, right_id: str, by: str = "holder") -> dict[str, Any]:
        """Revoke an access right, as ``holder``, ``third party`` or ``grdf``."""
        return dict(self._call("POST", f"consents/{right_id}/revoke", json={"by": by}))

    def answer(self, right_id: str, *, accept: bool = True) -> dict[str, Any]:
        """Let the holder answer about a declared right before GRDF's mail."""
        return dict(self._call("POST", f"consents/{right_id}/answer", json={"accept": accept}))

    def ask_proof(self, right_id: str, until: date | str | None) -> dict[str, Any]:
        """Make GRDF ask for a right's proof until a day, or, with ``None``, take that back."""
        return dict(self._call("POST", f"consents/{right_id}/proof", json={"until": str(until) if until else None}))

    def decide_proof(self, right_id: str, *, accept: bool) -> dict[str, Any]:
        """Let GRDF accept or refuse a right's proof."""
        return dict(self._call("POST", f"consents/{right_id}/proof", json={"accept": accept}))

    def proofs(self, right_id: str) -> list[dict[str, Any]]:
        """Return the received proofs of a right, oldest first, with ``content`` in bytes."""
        found = self._call("GET", f"consents/{right_id}/proof")
        return [{**each, "content": base64.b64decode(each["content"])} for each in found]

    def drop_consents(self) -> None:
        """Make GRDF forget all access rights."""
        self._call("DELETE", "consents")

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the entries of the request log after number ``since``. They contain no secrets."""
        return list(self._call("GET", "log", params={"since": since}))

    def clear_log(self) -> None:
        """Empty the request log."""
        self._call("DELETE", "log")

    def settings(self) -> dict[str, Any]:
        """Return all settings."""
        return dict(self._call("GET", "settings"))

    def set(self, **settings: Any) -> None:
        """Change settings of ``adict.world.DEFAULTS``."""
        self._call("POST", "settings", json=settings)

    def fault(self, path: str, **more: Any) -> None:
        """Add a fault (``adict.gateway.gate``) for a regular expression in the URL path."""
        self.set(faults=[*self.settings()["faults"], {"path": path, **more}])

    def drop_tokens(self) -> None:
        """Make GRDF forget all access tokens."""
        self._call("DELETE", "tokens")

    def drop_calls(self) -> None:
        """Reset the quota's counters to zero."""
        self._call("DELETE", "calls")


class _Form(HTMLParser):
    """The first form of a page, as a browser would send it."""

    def __init__(self, page: requests.Response) -> None:
        super().__init__()
        self.actions: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.feed(page.text)
        if not page.ok or not self.actions:
            raise ControlRefused(f"no form on {page.url} ({page.status_code}): {page.text}")
        self.action = urljoin(page.url, self.actions[0] or page.url)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.actions.append(values.get("action", ""))
        elif tag == "input" and "name" in values and (values.get("type") != "checkbox" or "checked" in values):
            self.fields.append((values["name"], values.get("value", "")))

    def put(self, name: str, values: Iterable[str]) -> None:
        """Replace the values of a field."""
        self.fields = [pair for pair in self.fields if pair[0] != name] + [(name, value) for value in values]

    def send(self, http: requests.Session, *, accept: bool) -> requests.Response:
        """Press a button, and return the redirect that answers."""
        self.put("action", ["accepter" if accept else "refuser"])
        answer = http.post(self.action, data=self.fields, allow_redirects=False, timeout=_TIMEOUT)
        if answer.status_code not in (302, 303):
            raise ControlRefused(f"the page said {answer.status_code}: {answer.text}")
        return answer


def answer_mail(base_url: str, *, accept: bool = True) -> None:
    """Answer the first mail of the mailbox, as a holder does; ``ControlRefused`` if there is none."""
    with requests.Session() as http:
        page = http.get(base_url.rstrip("/").removesuffix("/sandbox") + "/sandbox/mailbox", timeout=_TIMEOUT)
        mail = _Form(page)
        if mail.action.endswith("/send"):
            raise ControlRefused("no mail was sent yet")
        mail.send(http, accept=accept)


def consent_through_browser(
    authorize_url: str,
    params: Mapping[str, str] | None = None,
    *,
    pces: Iterable[str] | None = None,
    perimeters: Iterable[str] | None = None,
    conso_debut: date | str | None = None,
    conso_fin: date | str | None = None,
    accept: bool = True,
    session: requests.Session | None = None,
) -> str:
    """Do what a holder does in a browser: follow redirects, fill in the consent form and send it.

    :param params: query parameters to add, with a ``login_hint``
    :param session: for callers whose own pages are part of the redirects
    :return: the ``Location`` back to the third party, which is not followed
    :raises ControlRefused: without a consent page, or if it does not accept the form
    """
    http = session or requests.Session()
    form = _Form(http.get(authorize_url, params=dict(params or {}), timeout=_TIMEOUT))
    if pces is not None:
        form.put("pce", [])
        form.put("autre_pce", [" ".join(pces)])
    if perimeters is not None:
        form.put("perimetre", perimeters)
    for name, day in (("conso_debut", conso_debut), ("conso_fin", conso_fin)):
        if day is not None:
            form.put(name, [str(day)])
    return form.send(http, accept=accept).headers["Location"]
