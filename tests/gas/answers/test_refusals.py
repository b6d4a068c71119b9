"""Refusals: each of GRDF's answers becomes the error with what to do."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas import errors as e
from include.gas.answers.refusals import declaration_error, http_error, proof_error, refusal_error, token_error
from include.gas.answers.refusals import revocation_error as ended_error
from include.gas.meter_tag import meter_tag

PCE = "09900000000017"
CONSENT, NARROW = "USER_ACTION_NEEDED.OAUTH_OUTDATED", "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("", "", None), ("0000000000", "opération réussie", None), ("0", "", None), ("1000008", "aucune donnée", None),
        ("1009999", "Aucune donnée sur la période", None), ("0000000002", "en attente du titulaire", None),
        *((code, "", e.RightLost) for code in ("1000000", "1000001", 1000002, " 1000014 ", "1000011")),
        ("1000009", "", e.RightTooNarrow), ("1000010", "aucune donnée", e.RightTooNarrow),
        ("2000100", "", e.PartialAnswer), ("1000000006", "", e.BadRequest), ("2000000009", "", e.BadRequest),
        ("2000000007", "", e.ServiceUnavailable), ("2000099", "", e.ServiceUnavailable),
        # Situations whose codes are unknown are recognised by their text.
        ("1000099", "Consentement révoqué par GRDF pour le compte du titulaire", e.RightLost),
        ("1000099", "DROIT D'ACCÈS OBSOLÈTE", e.RightLost),
        ("1000099", "vous n'êtes plus autorisé à accéder", e.RightLost),
        ("1000099", "Votre contrat ADICT a expiré", e.CredentialsRefused),
        ("1000099", "Tiers suspendu pour mésusage", e.CredentialsRefused),
        ("1000099", "hors du périmètre accordé", e.RightTooNarrow),
        ("1000099", "Erreur technique, veuillez réessayer", e.ServiceUnavailable),
        ("1000099", "format de date invalide", e.BadRequest), ("1000099", "surprise", e.UnknownRefusal),
        ("", "authentification nécessaire", e.CredentialsRefused),
    ],
)  # fmt: skip
def test_codes(code: Any, message: str, kind: type[e.GasError] | None) -> None:
    error = refusal_error(code, message, account="a", pce=PCE)
    assert type(error) is (kind or type(None))
    if error is not None:
        assert error.account == "a"
        assert str(error).startswith(f"Account a: meter {meter_tag('a', PCE)}: ")
        assert str(error).endswith(".")
        assert str(code).strip() in str(error)
        assert not message or message not in str(refusal_error(code, message, account="a", pce=PCE, quoted=False))


def said(code: str, message: str = "x") -> str:
    return json.dumps({"statut_restitution": {"code": code, "message": message}})


def done(code: str, message: str = "Durand") -> str:
    return json.dumps({"code_statut_traitement": code, "message_retour_traitement": message})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "", None), (204, None, None), (299, "", None), (300, "", e.BadSettings), (404, "", e.BadRequest),
        (400, said("9999400", "date_debut trop ancienne"), e.BadRequest),
        (400, "", e.BadRequest), (400, b"\xff", e.BadRequest), (400, said("1000001", ""), e.RightLost),
        (400, said("9999400", "date expirée, droit révoqué ?"), e.BadRequest),
        (401, '{"erreur":"authentification nécessaire"}', e.CredentialsRefused), (403, said("1000002"), e.RightLost),
        (403, said("1000010"), e.RightTooNarrow), (403, "<html>", e.RightLost), (409, "{}", e.BadRequest),
        (404, done("1000000006"), e.BadRequest), (409, done("9999999409", "droit déjà révoqué"), e.RightLost),
        (301, "", e.BadSettings), (408, "", e.ServiceUnavailable), (429, "", e.QuotaExceeded),
        (500, said("2000007", "technique"), e.ServiceUnavailable), (503, "", e.ServiceUnavailable),
        (504, "<html>", e.ServiceUnavailable),
    ],
)  # fmt: skip
def test_http(status: int, body: Any, kind: type[e.GasError] | None) -> None:
    error = http_error(status, body, account="a", what=f"the daily data of meter {PCE}", retry_after=7.5)
    assert type(error) is (kind or type(None))
    where = f"Account a: asking for the daily data of meter {meter_tag('a', PCE)}, GRDF answered HTTP {status}"
    assert error is None or where in str(error)
    assert ("gave no reason" in str(error)) is ((status, body) == (403, "<html>"))
    assert not isinstance(error, e.RetryLater) or error.retry_after == 7.5


DECLARED = {200: None, 201: None, 401: e.CredentialsRefused, 403: e.CredentialsRefused, 404: e.RefusalUnexplained,
            409: e.RefusalUnexplained, 429: e.QuotaExceeded, 503: e.ServiceUnavailable, 302: e.BadSettings}  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), DECLARED.items())
def test_answers_to_what_was_sent(status: int, kind: Any) -> None:
    error = declaration_error(status, "{}", account="a", what="the right", retry_after=3)
    assert type(error) is (kind or type(None))
    error = proof_error(status, "{}", account="a", what="the proof", retry_after=3)
    assert type(error) is (e.ProofNotSent if kind is e.RefusalUnexplained else kind or type(None))
    assert error is None or (str(error).startswith("Account a: GRDF ") and f"(HTTP {status})" in str(error))
    assert not isinstance(error, e.RetryLater) or error.retry_after == 3


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("1000000003", e.RightExists), ("1000000004", e.DeclarationRefused), ("1000000005", e.DeclarationRefused),
        ("1000000006", e.DeclarationRefused), ("1000000022", e.DeclarationRefused), ("0000000002", None),
        ("2000000001", e.ServiceUnavailable), ("1000000099", e.RefusalUnexplained),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400])
def test_refused_declarations_are_known_by_their_code_alone(status: int, code: str, kind: Any) -> None:
    error = declaration_error(status, done(code), account="a", what="the right", retry_after=3)
    kind = e.RefusalUnexplained if kind is None and status == 400 else kind
    assert type(error) is (kind or type(None))
    assert "Durand" not in str(error)
    assert error is None or code == "0000000002" or f"code {code}" in str(error)
    assert error is None or str(error).startswith("Account a: ")
    assert type(error) is not e.DeclarationRefused or error.reason == code
    assert ("gas bill" in str(error)) is (code == "1000000006" or kind is e.RefusalUnexplained)
    proof = proof_error(status, done(code), account="a", what="the proof", retry_after=3)
    sent = code == "0000000002" and status == 200
    assert type(proof) is (type(None) if sent else e.ServiceUnavailable if code[0] == "2" else e.ProofNotSent)
    assert "Durand" not in str(proof)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "", None), (204, " {}", None), (200, "[]", None), (200, done("0000000000"), None),
        (200, "<html>", e.ServiceUnavailable), (300, "", e.BadSettings), (302, "", e.BadSettings),
        (403, "", e.CredentialsRefused),
        (404, "", e.CredentialsRefused), (409, "{}", e.ServiceUnavailable), (401, "", e.CredentialsRefused),
        (429, "", e.QuotaExceeded), (500, "", e.ServiceUnavailable), (200, done("1000014"), e.RightLost),
        (400, done("9999400"), e.BadRequest), (200, done("1000099", "droit déjà révoqué"), e.RightLost),
    ],
)  # fmt: skip
def test_answers_to_a_revocation(status: int, body: str, kind: Any) -> None:
    asked = {"account": "a", "what": "the end of u-1", "right": "u-1", "connection": "grdf_delete", "retry_after": 3}
    error = ended_error(status, body, **asked)
    assert type(error) is (kind or type(None))
    assert error is None or str(error).startswith("Account a: ")
    assert "Durand" not in str(error)
    assert status not in (403, 404) or "grdf_delete revoke consent u-1" in str(error)
    assert not isinstance(error, e.RetryLater) or status in (200, 409) or error.retry_after == 3


CODE, CLIENT = "authorization_code", "client_credentials"


@pytest.mark.parametrize(
    ("status", "word", "grant", "kind"),
    [
        (200, None, CLIENT, None), (400, "invalid_grant", CODE, e.GrantRefused),
        (401, "invalid_grant", CODE, e.GrantRefused), (400, "invalid_grant", CLIENT, e.CredentialsRefused),
        (400, "invalid_client", CODE, e.CredentialsRefused), (401, "invalid_client", CLIENT, e.CredentialsRefused),
        (400, "server_error", CLIENT, e.ServiceUnavailable), (400, "access_denied", CODE, e.CredentialsRefused),
        (401, None, CLIENT, e.CredentialsRefused), (403, None, CLIENT, e.CredentialsRefused),
        (400, "invalid_scope", CLIENT, e.BadSettings), (400, "invalid_request", CODE, e.BadSettings),
        (404, None, CLIENT, e.BadSettings), (302, None, CLIENT, e.BadSettings), (429, None, CLIENT, e.QuotaExceeded),
        (400, "temporarily_unavailable", CLIENT, e.ServiceUnavailable),
        (502, "invalid_client", CLIENT, e.ServiceUnavailable),
    ],
)  # fmt: skip
def test_tokens(status: int, word: str | None, grant: str, kind: type[e.GasError] | None) -> None:
    body = json.dumps({"error": word, "error_description": "s3cr3t client_secret=s3cr3t code s3cr3t"})
    error = token_error(status, body, account="a", grant=grant)
    assert type(error) is (kind or type(None))
    assert "s3cr3t" not in str(error)
    assert error is None or f"Account a: asking for a token ({grant}), GRDF answered HTTP {status}" in str(error)
    assert ("/adict/v2" in str(error)) is (word == "invalid_scope")
    assert ("token_url" in str(error)) is (kind is e.BadSettings and word != "invalid_scope")


def test_what_is_quoted() -> None:
    error = str(http_error(400, said("9999400", "date_debut trop ancienne"), account=None, what="x"))
    assert "(GRDF: code 9999400, date_debut trop ancienne)" in error
    odd = token_error(400, '{"error": "s3cr3t code"}', account=None, grant="authorization_code")
    assert "s3cr3t" not in str(odd)
    message = "revoked for personne@example.org by Bearer abcdefghijkl " + "x" * 500
    error = str(refusal_error("1000014", message, account="a", pce=PCE))
    assert not any(word in error for word in ("personne", "abcdefghijkl"))
    assert len(error) < 450


@given(st.integers(100, 599), st.binary(max_size=60), st.sampled_from(["authorization_code", "client_credentials"]))
def test_any_answer_is_sorted(status: int, body: bytes, grant: str) -> None:
    for error in (http_error(status, body, account="a", what="x"), token_error(status, body, account="a", grant=grant)):
        assert (error is None) == (200 <= status < 300)


STATES: dict[Any, str | None] = {
    e.RightLost: CONSENT, e.GrantRefused: CONSENT, e.RightTooNarrow: NARROW, e.ServiceUnavailable: "VENDOR_DOWN",
    **dict.fromkeys((e.CredentialsRefused, e.IdTokenRefused, e.BadAccount, e.BadSettings, e.BadRequest)),
}  # fmt: skip


def classes(root: type[e.GasError] = e.GasError) -> list[type[e.GasError]]:
    return [root, *(found for child in root.__subclasses__() for found in classes(child))]


@pytest.mark.parametrize("kind", classes())
def test_every_error_survives_pickling_and_has_a_next_step(kind: type[e.GasError]) -> None:
    error = pickle.loads(pickle.dumps(kind.about("a", "it broke.")))
    assert (type(error), error.account) == (kind, "a")
    assert str(error) == f"Account a: it broke. {kind.default_step}"
    assert kind.default_step.endswith(".")
    assert isinstance(error, e.RetryLater | e.FailNow) or kind is e.GasError
    assert kind not in STATES or kind.state == STATES[kind]


def test_details_survive_pickling() -> None:
    assert pickle.loads(pickle.dumps(e.PartialAnswer("x", retry_after=3))).retry_after == 3
    assert str(e.BadAccount("whole text", account="a")) == "whole text"
