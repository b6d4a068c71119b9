"""A client of the sandbox's control API, and a simulated holder who clicks through GRDF's consent page and mails."""

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
    """The sandbox refused a request. The text is the sandbox's own."""


class SandboxControl:
    """A client that controls a running sandbox.

    :param base_url: the sandbox's root, such as ``http://127.0.0.1:8181``; ``control_url`` of the facts works too
    """

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
        """Set the clock to a time with an offset, from which it ticks on; ``None`` for the machine's own time."""
        self._call("POST", "clock", json={"now": now.isoformat() if isinstance(now, datetime) else now})

    def expected(self, pce: str, first: date | str, end: date | str) -> dict[str, float]:
        """Return kWh by day (``YYYY-MM-DD``) for exactly those days that an ideal client could read now."""
        return dict(self._call("GET", f"meters/{pce}/days", params={"from": str(first), "to": str(end)}))

    def correct(self, pce: str, day: date | str, energie: float | None, qualif: str = "Corrigé") -> None:
        """Make GRDF correct a day: to so many kWh, or to ``None``, which withdraws the day's figure."""
        self._call("POST", f"meters/{pce}/corrections", json={"day": str(day), "energie": energie, "qualif": qualif})

    def uncorrect(self, pce: str) -> None:
        """Undo all corrections of a meter."""
        self._call("DELETE", f"meters/{pce}/corrections")

    def set_quirks(self, pce: str, **quirks: Any) -> None:
        """Replace a meter's quirks; without arguments, clear them. ``adict.meter_data.quirks`` lists them."""
        self._call("POST", f"meters/{pce}/quirks", json=quirks)

    def consents(self) -> list[dict[str, Any]]:
        """Return all access rights, oldest first."""
        return list(self._call("GET", "consents"))

    def consent(self, pces: Iterable[str], **terms: Any) -> list[dict[str, Any]]:
        """Create access rights without the redirects of Client Connect.

        :param terms: ``perimeters``, ``conso_debut``, ``conso_fin``, ``droit_debut``, ``droit_fin`` (ISO dates),
            ``keep_others``, ``company``, ``fields``
        :return: the new rights; their ``id_droit_acces`` is the ``id_accreditation`` of an ``id_token``
        """
        return list(self._call("POST", "consents", json={"pces": list(pces), **terms}))

    def change_consent(self, right_id: str, **fields: Any) -> dict[str, Any]:
        """Set fields of an access right, such as ``etat_droit_acces``."""
        return dict(self._call("PATCH", f"consents/{right_id}", json=fields))

    def revoke(self, right_id: str, by: str = "holder") -> dict[str, Any]:
        """Revoke an access right, as ``holder``, ``third party`` or ``grdf``."""
        return dict(self._call("POST", f"consents/{right_id}/revoke", json={"by": by}))

    def answer(self, right_id: str, *, accept: bool = True) -> dict[str, Any]:
        """Let the holder answer about a declared right at once, before GRDF's mail, and return the right."""
        return dict(self._call("POST", f"consents/{right_id}/answer", json={"accept": accept}))

    def ask_proof(self, right_id: str, until: date | str | None) -> dict[str, Any]:
        """Make GRDF ask for the proof of a right until a day, or, with ``None``, take that back. Return the right."""
        return dict(self._call("POST", f"consents/{right_id}/proof", json={"until": str(until) if until else None}))

    def decide_proof(self, right_id: str, *, accept: bool) -> dict[str, Any]:
        """Let GRDF accept or refuse the proof of a right, and return the right."""
        return dict(self._call("POST", f"consents/{right_id}/proof", json={"accept": accept}))

    def proofs(self, right_id: str) -> list[dict[str, Any]]:
        """Return the files that GRDF has received as proofs of a right, oldest first.

        :return: ``call`` (a number), ``name``, ``type``, ``size``, ``content`` (bytes) and ``at`` of each
        """
        found = self._call("GET", f"consents/{right_id}/proof")
        return [{**each, "content": base64.b64decode(each["content"])} for each in found]

    def drop_consents(self) -> None:
        """Make GRDF forget all access rights, as if nobody had ever consented."""
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
        """Change settings; see ``adict.world.DEFAULTS`` for their names."""
        self._call("POST", "settings", json=settings)

    def fault(self, path: str, **more: Any) -> None:
        """Add a fault.

        :param path: regular expression that is searched for in the URL path
        :param more: ``status``, ``times``, ``retry_after``, ``method``, ``body``, ``delay_s``, ``cut``, ``after``
            (see ``adict.gateway.gate``)
        """
        self.set(faults=[*self.settings()["faults"], {"path": path, **more}])

    def drop_tokens(self) -> None:
        """Make GRDF forget all access tokens, so that the next call with one of them gets a 401."""
        self._call("DELETE", "tokens")

    def drop_calls(self) -> None:
        """Reset the quota's counters to zero."""
        self._call("DELETE", "calls")


class _Form(HTMLParser):
    """The first form of a page, with the fields that a browser would send."""

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
    """Do what a holder does with GRDF's e-mail about a declared right: press a button in the first mail of the mailbox.

    :param base_url: as for :class:`SandboxControl`
    :raises ControlRefused: if the mailbox is empty or does not take the answer
    """
    with requests.Session() as http:
        page = http.get(base_url.rstrip("/").removesuffix("/sandbox") + "/sandbox/mailbox", timeout=_TIMEOUT)
        _Form(page).send(http, accept=accept)


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
    """Do what a holder does in a browser: follow redirects to the consent page, fill in its form and send it.

    What is not given is left as the page proposes it.

    :param params: query parameters to add to it; they must lead to a ``login_hint`` that names the holder
    :param pces: the meters, typed into the field for others than the page offers
    :param session: a session to use, for callers whose own pages are part of the redirects
    :return: the ``Location`` of the redirect back to the third party, which is not followed
    :raises ControlRefused: if there is no consent page, or it does not accept the form; with the page's text
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
