"""Refusals: each of GRDF's answers becomes the error that says what to do."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas import errors as e
from include.gas.answers.refusals import http_error, refusal_error, token_error
from include.gas.meter_tag import meter_tag

PCE = "09900000000017"
CONSENT, NARROW = "USER_ACTION_NEEDED.OAUTH_OUTDATED", "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("", "", None),
        ("0000000000", "opération réussie", None),
        ("0", "", None),
        ("1000008", "aucune donnée", None),
        ("1009999", "Aucune donnée sur la période", None),
        ("0000000002", "en attente du titulaire", None),
        ("1000000", "", e.ConsentLost),
        ("1000001", "", e.ConsentLost),
        (1000002, "", e.ConsentLost),
        (" 1000014 ", "", e.ConsentLost),
        ("1000011", "", e.ConsentLost),
        ("1000009", "", e.ConsentTooNarrow),
        ("1000010", "", e.ConsentTooNarrow),
        ("2000100", "", e.PartialAnswer),
        ("1000000006", "", e.BadRequest),
        ("2000000007", "", e.ServiceUnavailable),
        ("2000000009", "", e.BadRequest),
        # Situations whose codes are unknown are recognised by their text.
        ("1000099", "Consentement révoqué par GRDF pour le compte du titulaire", e.ConsentLost),
        ("1000099", "DROIT D'ACCÈS OBSOLÈTE", e.ConsentLost),
        ("1000099", "vous n'êtes plus autorisé à accéder", e.ConsentLost),
        ("1000099", "Votre contrat ADICT a expiré", e.CredentialsRefused),
        ("1000099", "Tiers suspendu pour mésusage", e.CredentialsRefused),
        ("1000099", "hors du périmètre accordé", e.ConsentTooNarrow),
        ("1000099", "Erreur technique, veuillez réessayer", e.ServiceUnavailable),
        ("1000099", "format de date invalide", e.BadRequest),
        ("2000099", "", e.ServiceUnavailable),
        ("1000099", "surprise", e.UnknownRefusal),
        ("", "authentification nécessaire", e.CredentialsRefused),
    ],
)
def test_codes(code: Any, message: str, kind: type[e.GasError] | None) -> None:
    error = refusal_error(code, message, account="a", pce=PCE)
    assert type(error) is (kind or type(None))
    if error is not None:
        assert error.account == "a"
        assert str(error).startswith(f"Account a: meter {meter_tag('a', PCE)}: ")
        assert str(error).endswith(".")
        assert str(code).strip() in str(error)


STATUS = json.dumps({"statut_restitution": {"code": "9999400", "message": "date_debut trop ancienne"}})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "", None),
        (204, None, None),
        (400, STATUS, e.BadRequest),
        (400, "", e.BadRequest),
        (400, b"\xff", e.BadRequest),
        (400, '{"statut_restitution":{"code":"9999400","message":"date expirée, droit révoqué ?"}}', e.BadRequest),
        (400, '{"statut_restitution":{"code":"1000001","message":""}}', e.ConsentLost),
        (401, '{"erreur":"authentification nécessaire"}', e.CredentialsRefused),
        (403, '{"statut_restitution":{"code":"1000002","message":"x"}}', e.ConsentLost),
        (403, '{"statut_restitution":{"code":"1000010","message":"x"}}', e.ConsentTooNarrow),
        (403, "<html>", e.ConsentLost),
        (404, '{"code_statut_traitement":"1000000006","message_retour_traitement":"pce inconnu"}', e.BadRequest),
        (
            409,
            '{"code_statut_traitement":"9999999409","message_retour_traitement":"droit déjà révoqué"}',
            e.ConsentLost,
        ),
        (409, "{}", e.BadRequest),
        (301, "", e.BadSettings),
        (408, "", e.ServiceUnavailable),
        (429, "", e.QuotaExceeded),
        (500, '{"statut_restitution":{"code":"2000007","message":"technique"}}', e.ServiceUnavailable),
        (503, "", e.ServiceUnavailable),
        (504, "<html>", e.ServiceUnavailable),
    ],
)
def test_http(status: int, body: Any, kind: type[e.GasError] | None) -> None:
    error = http_error(status, body, account="a", what=f"the daily data of meter {PCE}", retry_after=7.5)
    assert type(error) is (kind or type(None))
    if error is not None:
        assert (
            f"Account a: asking for the daily data of meter {meter_tag('a', PCE)}, GRDF answered HTTP {status}"
            in str(error)
        )
    if isinstance(error, e.RetryLater):
        assert error.retry_after == 7.5


def test_grdfs_own_words_are_quoted() -> None:
    assert "(GRDF: code 9999400, date_debut trop ancienne)" in str(http_error(400, STATUS, account=None, what="x"))


@pytest.mark.parametrize(
    ("status", "word", "grant", "kind"),
    [
        (200, None, "client_credentials", None),
        (400, "invalid_grant", "authorization_code", e.GrantRefused),
        (401, "invalid_grant", "authorization_code", e.GrantRefused),
        (400, "invalid_grant", "client_credentials", e.CredentialsRefused),
        (400, "invalid_client", "authorization_code", e.CredentialsRefused),
        (401, "invalid_client", "client_credentials", e.CredentialsRefused),
        (401, None, "client_credentials", e.CredentialsRefused),
        (403, None, "client_credentials", e.CredentialsRefused),
        (400, "invalid_scope", "client_credentials", e.BadSettings),
        (400, "invalid_request", "authorization_code", e.BadSettings),
        (404, None, "client_credentials", e.BadSettings),
        (302, None, "client_credentials", e.BadSettings),
        (429, None, "client_credentials", e.QuotaExceeded),
        (400, "temporarily_unavailable", "client_credentials", e.ServiceUnavailable),
        (502, "invalid_client", "client_credentials", e.ServiceUnavailable),
    ],
)
def test_tokens(status: int, word: str | None, grant: str, kind: type[e.GasError] | None) -> None:
    body = json.dumps({"error": word, "error_description": "s3cr3t client_secret=s3cr3t code s3cr3t"})
    error = token_error(status, body, account="a", grant=grant)
    assert type(error) is (kind or type(None))
    if error is not None:
        assert f"Account a: asking for a token ({grant}), GRDF answered HTTP {status}" in str(error)
        assert "s3cr3t" not in str(error)


def test_an_odd_error_word_is_not_quoted() -> None:
    assert "s3cr3t" not in str(token_error(400, '{"error": "s3cr3t code"}', account=None, grant="authorization_code"))


def test_messages_hide_secrets_and_are_cut() -> None:
    message = "revoked for personne@example.org by Bearer abcdefghijkl " + "x" * 500
    error = str(refusal_error("1000014", message, account="a", pce=PCE))
    assert "personne" not in error
    assert "abcdefghijkl" not in error
    assert len(error) < 450


@given(st.integers(100, 599), st.binary(max_size=60), st.sampled_from(["authorization_code", "client_credentials"]))
def test_any_answer_is_sorted(status: int, body: bytes, grant: str) -> None:
    for error in (http_error(status, body, account="a", what="x"), token_error(status, body, account="a", grant=grant)):
        assert (error is None) == (200 <= status < 300)


def classes(root: type[e.GasError] = e.GasError) -> list[type[e.GasError]]:
    return [root, *(found for child in root.__subclasses__() for found in classes(child))]


@pytest.mark.parametrize("kind", classes())
def test_every_error_survives_pickling_and_says_what_to_do(kind: type[e.GasError]) -> None:
    error = pickle.loads(pickle.dumps(kind.about("a", "it broke.")))
    assert type(error) is kind
    assert str(error) == f"Account a: it broke. {kind.default_step}"
    assert error.account == "a"
    assert kind.default_step.endswith(".")
    assert isinstance(error, e.RetryLater | e.FailNow) or kind is e.GasError


def test_states() -> None:
    assert [kind.state for kind in (e.ConsentLost, e.GrantRefused, e.ConsentTooNarrow)] == [CONSENT, CONSENT, NARROW]
    assert {
        kind.state for kind in (e.CredentialsRefused, e.IdTokenRefused, e.BadAccount, e.BadSettings, e.BadRequest)
    } == {None}
    assert e.ServiceUnavailable.state == "VENDOR_DOWN"


def test_details_survive_pickling() -> None:
    error = e.PartialAnswer("x", retry_after=3)
    assert pickle.loads(pickle.dumps(error)).retry_after == 3
    assert str(e.BadAccount("whole text", account="a")) == "whole text"
