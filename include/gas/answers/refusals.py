"""Maps GRDF's refusals to our exceptions; nothing else does.

From GRDF's v2 API description and error list v1.10. Many codes are not listed: an unknown one is classified by its
message, else by its first digit (2 is GRDF's side). HTTP 200 may carry refusals.
"""

from __future__ import annotations

import re
from typing import Any

from include.gas.answers.french_words import fold, text_of
from include.gas.answers.json_objects import find_objects
from include.gas.errors import (
    BadRequest,
    BadSettings,
    CredentialsRefused,
    DeclarationRefused,
    FailNow,
    GasError,
    GrantRefused,
    PartialAnswer,
    ProofNotSent,
    QuotaExceeded,
    RefusalUnexplained,
    RetryLater,
    RightExists,
    RightLost,
    RightTooNarrow,
    ServiceUnavailable,
    UnknownRefusal,
)
from include.gas.meter_tag import meter_tag
from include.gas.redact import excerpt

NO_DATA = "1000008"
UNEXPLAINED_STEP = (
    "grdf_consents checks GRDF's list of rights every morning. Unless the list says that the consent is active, the "
    "household must consent again on GRDF's site. If many accounts are refused like this, ask GRDF for the reason."
)
_WAITING = "0000000002"  # a declared right waits for its holder: no refusal

_CODES: dict[str, tuple[type[GasError], str]] = {
    "1000000": (RightLost, "the holder seems to have moved out"),
    "1000001": (RightLost, "the right of access expired"),
    "1000002": (RightLost, "there is no right of access"),
    "1000003": (RightLost, "GRDF found no recent consent"),  # a cache of GRDF's may be wrong in this
    "1000009": (RightTooNarrow, "the consent does not include published data"),
    "1000010": (RightTooNarrow, "the consent does not include daily (informative) data"),
    "1000011": (RightLost, "GRDF considers the proof of consent invalid"),
    "1000014": (RightLost, "the holder revoked the consent"),
    "2000100": (PartialAnswer, "GRDF failed on part of the answer"),
    "1000000003": (BadRequest, "the right of access already exists"),
    "1000000004": (RightLost, "the holder's contract ended"),
    "1000000005": (BadRequest, "the postcode does not match the meter"),
    "1000000006": (BadRequest, "GRDF does not know the meter"),
    "1000000022": (BadRequest, "the perimeters asked for contradict each other"),
    "2000000009": (BadRequest, "more than 1000 meters in one request"),
}

_CORRECT = "Then correct it in the account's form: Connect again, on its page."
_DECLARATIONS: dict[str, tuple[type[GasError], str]] = {
    "1000000003": (RightExists, RightExists.default_step),
    "1000000004": (DeclarationRefused, f"Ask whether the household has moved or has a new contract. {_CORRECT}"),
    "1000000005": (DeclarationRefused, f"Ask the household for the postcode of the meter's address. {_CORRECT}"),
    "1000000006": (DeclarationRefused, f"Compare the meter's number with the household's gas bill. {_CORRECT}"),
    "1000000022": (DeclarationRefused, f"Check the perimeters and the days that were asked for. {_CORRECT}"),
}

# The first match wins: patterns about our own contract come before those about a consent.
_WORDS: tuple[tuple[re.Pattern[str], type[GasError], str], ...] = (
    (
        re.compile(
            r"contrat (d'acces )?(a l'api |api |grdf )?adict|tiers .*(suspend|inconnu)|suspend|mesusage|suspended"
        ),
        CredentialsRefused,
        "GRDF no longer serves us (contract or suspension)",
    ),
    (re.compile(r"authentif|authentic|jeton|token"), CredentialsRefused, "GRDF does not accept our token"),
    (re.compile(r"perimetre|perimeter"), RightTooNarrow, "the consent does not include what was asked for"),
    (
        re.compile(
            r"revoqu|revoc|revok|obsolet|expir|preuve|demenag|resili"
            r"|(pas|plus|non|n'est),? (ete )?autoris|not (or no longer )?authori"
            r"|aucun droit|no right|droit d'acces (inexistant|inactif|termine)"
        ),
        RightLost,
        "the consent is no longer valid",
    ),
    (
        re.compile(r"techni|erreur (serveur|interne)|indisponib|relancer|reessay|unavailable|timeout"),
        ServiceUnavailable,
        "GRDF had a technical failure",
    ),
    (
        re.compile(r"\bdates?\b|date_|periode|format|\bpce\b|parametre|depth|profondeur"),
        BadRequest,
        "GRDF rejected the request as invalid",
    ),
)


def is_success(code: str, message: str = "") -> bool:
    """Return whether a status means success or "no data yet". None at all means success."""
    if code in (NO_DATA, _WAITING) or (code and not code.strip("0")):
        return True
    return code not in _CODES and (not (code or message) or "aucune donnee" in fold(message))


def refusal_error(
    code: str, message: str, *, account: str | None, pce: str | None, quoted: bool = True
) -> GasError | None:
    """Return the error for a status in an answer; ``None`` for success, no data, or a right that waits for its holder.

    :param quoted: whether to quote the message, redacted and cut; that of a right may name the household
    """
    code = text_of(code)
    if is_success(code, message):
        return None
    where = f"meter {meter_tag(account, pce)}: " if account and pce else ""
    said = _quoted_status(code, message if quoted else "")
    kind, cause = _sort(code, fold(message))
    return kind.about(account, f"{where}{cause}{said}")


def http_error(
    status: int,
    body: str | bytes | None,
    *,
    account: str | None,
    what: str,
    retry_after: float | None = None,
    quoted: bool = True,
) -> GasError | None:
    """Return the error for an HTTP answer about data or rights; ``None`` for a 2xx, whose lines must still be checked.

    :param what: what was requested, for the text: "the daily data of meter M-7KQ"
    :param retry_after: the ``Retry-After`` header, in seconds
    """
    if 200 <= status < 300:
        return None
    code, message = status_in(body or "")
    cause = f"asking for {what}, GRDF answered HTTP {status}{_quoted_status(code, message if quoted else '')}"
    if other := _client_or_temporary_error(status, account, cause, retry_after):
        return other
    said = bool(code or message)
    if status == 403 and not said:
        return RightLost.about(account, f"{cause} and gave no reason", UNEXPLAINED_STEP)
    kind: type[GasError] = RightLost if status == 403 else BadRequest
    if code in _CODES or (said and status != 400):
        sorted_kind, _ = _sort(code, fold(message))
        if sorted_kind in (RightLost, RightTooNarrow, CredentialsRefused):
            kind = sorted_kind
    return kind.about(account, cause)


def declaration_error(
    status: int, body: str | bytes | None, *, account: str | None, what: str, retry_after: float | None = None
) -> GasError | None:
    """Return the error for the answer to a declaration (ADICT 3.6), by its code: its message may name the household."""
    code, message = status_in(body or "")
    if code in _DECLARATIONS:
        kind, step = _DECLARATIONS[code]
        reason = {"reason": code} if kind is DeclarationRefused else {}
        return kind.about(account, f"GRDF refused {what}: {_CODES[code][1]}{_quoted_status(code, '')}", step, **reason)
    if status < 300 and not (code or message):
        return None
    return _sending_error(status, code, account, f"declare {what}", retry_after) or RefusalUnexplained.about(
        account,
        f"GRDF refused {what} for a reason that we do not know (HTTP {status}{_code(code)})",
        "Compare the declaration with the household's gas bill, and ask GRDF for the reason. Then correct the "
        "declaration in the account's document if need be, and start a run of its DAG.",
    )


def no_declaration_error(account: str | None, what: str) -> ServiceUnavailable:
    """Return the error about an answer by which GRDF has not taken a declaration, such as a page of HTML."""
    return ServiceUnavailable.about(
        account,
        f"GRDF's answer to the declaration of {what} names no right",
        "It is looked for and declared again automatically. If this continues, ask GRDF.",
    )


def proof_error(
    status: int, body: str | bytes | None, *, account: str | None, what: str, retry_after: float | None = None
) -> GasError | None:
    """Return the error for the answer to a proof (ADICT 3.6), by its code alone: its message may name the household."""
    code, message = status_in(body or "")
    if status < 300 and not (code or message):
        return None
    return _sending_error(status, code, account, f"send {what}", retry_after) or ProofNotSent.about(
        account,
        f"GRDF did not take {what} (HTTP {status}{_code(code)})",
        "Look at GRDF's portal for what it expects, or send the files there.",
    )


def revocation_error(
    status: int,
    body: str,
    *,
    account: str | None,
    what: str,
    retry_after: float | None = None,
    right: str,
    connection: str,
) -> GasError | None:
    """Return the error for the answer to a revocation (ADICT 4); ``None`` if the right is over."""
    code, message = status_in(body)
    taken = 200 <= status < 300  # a redirect has revoked nothing
    if taken and not code and body.lstrip()[:1] in ("", "{", "["):  # nor has a page in HTML
        return None
    if status in (403, 404):  # not allowed, or another client's
        return CredentialsRefused.about(
            account,
            f"GRDF does not let the client of the connection {connection} revoke consent {right} (HTTP {status})",
            f"Check that {connection} has the credentials that may revoke the consents of this account's client, then "
            "start grdf_delete_account again.",
        )
    if status == 409:
        return ServiceUnavailable.about(account, f"GRDF answered {what} with HTTP 409, as for one that is over")
    refusal = http_error(status, body, account=account, what=what, retry_after=retry_after, quoted=False)
    refusal = refusal or refusal_error(code, message, account=account, pce=None, quoted=False)
    return refusal or ServiceUnavailable.about(account, f"GRDF did not complete {what}")


def _sending_error(
    status: int, code: str, account: str | None, what: str, retry_after: float | None
) -> GasError | None:
    if status == 403:
        return CredentialsRefused.about(
            account,
            f"GRDF does not let our client {what} (HTTP 403{_code(code)})",
            "Ask GRDF whether the contract allows it. Then start it again.",
        )
    failed = max(status, 500) if code.startswith("2") else status  # a technical failure at GRDF
    return _client_or_temporary_error(failed, account, f"GRDF did not {what} (HTTP {status}{_code(code)})", retry_after)


def token_error(
    status: int, body: str | bytes | None, *, account: str | None, grant: str, retry_after: float | None = None
) -> GasError | None:
    """Return the error for an answer of the token endpoint; ``None`` for a 2xx.

    :param body: only the OAuth error code (RFC 6749, 5.2) is quoted: the rest may be secret
    """
    if 200 <= status < 300:
        return None
    word = _oauth_word(body or "")
    cause = f"asking for a token ({grant}), GRDF answered HTTP {status}" + (f" {word}" if word else "")
    if word in ("temporarily_unavailable", "server_error"):
        status = max(status, 500)
    if later := _temporary_error(status, account, cause, retry_after):
        return later
    kind: type[FailNow] = BadSettings
    if word == "invalid_grant" and grant == "authorization_code":
        kind = GrantRefused
    elif word in ("invalid_client", "unauthorized_client", "invalid_grant", "access_denied") or status in (401, 403):
        kind = CredentialsRefused
    step = None
    if word == "invalid_scope":
        step = "Set `scope` in the extra of the Airflow connection to the path of the API base, for example /adict/v2."
    elif kind is BadSettings:
        step = "Check `token_url` in the extra of the Airflow connection."
    return kind.about(account, cause, step)


def _temporary_error(status: int, account: str | None, cause: str, retry_after: float | None) -> RetryLater | None:
    if status == 429:
        return QuotaExceeded.about(account, cause, retry_after=retry_after)
    if status >= 500 or status in (408, 425):
        return ServiceUnavailable.about(account, cause, retry_after=retry_after)
    return None


def _client_or_temporary_error(
    status: int, account: str | None, cause: str, retry_after: float | None
) -> GasError | None:
    if status == 401:
        return CredentialsRefused.about(account, cause)
    if 300 <= status < 400:
        return BadSettings.about(account, cause, "The API has moved: correct the host in the Airflow connection.")
    return _temporary_error(status, account, cause, retry_after)


def status_in(body: str | bytes) -> tuple[str, str]:
    """Return code and message of the first status, in any of three shapes, that is no success, or ``("", "")``."""
    for line in find_objects(body).objects:
        code, message = status_of(line)
        if not is_success(code, message):
            return code, message
    return "", ""


def status_of(line: dict[str, Any]) -> tuple[str, str]:
    """Return code and message of an object's status; ``("", "")`` without one."""
    status = line.get("statut_restitution")
    if isinstance(status, dict):
        return text_of(status.get("code")), text_of(status.get("message"))
    if "code_statut_traitement" in line:
        return text_of(line["code_statut_traitement"]), text_of(line.get("message_retour_traitement"))
    if isinstance(status, str):
        return "", status.strip()
    if "erreur" in line:
        return "", text_of(line["erreur"])
    return "", ""


def _sort(code: str, message: str) -> tuple[type[GasError], str]:
    if code in _CODES:
        return _CODES[code]
    for pattern, kind, cause in _WORDS:
        if pattern.search(message):
            return kind, cause
    if code.startswith("2"):
        return ServiceUnavailable, "GRDF had a technical failure"
    return UnknownRefusal, "GRDF refused for an unknown reason"


def _is_code(text: str) -> bool:
    """Return whether a text is a code. Anything else may name a person, so it is not quoted."""
    return text.isascii() and text.isdigit() and len(text) <= 12


def _quoted_status(code: str, message: str) -> str:
    parts = [f"code {code}"] if _is_code(code) else []
    if message:
        parts.append(excerpt(message))
    return f" (GRDF: {', '.join(parts)})" if parts else ""


def _code(code: str) -> str:
    return f", code {code}" if _is_code(code) else ""


def _oauth_word(body: str | bytes) -> str:
    for line in find_objects(body).objects:
        word = line.get("error")
        if isinstance(word, str) and re.fullmatch(r"[a-z_]{1,40}", word):
            return word
    return ""
