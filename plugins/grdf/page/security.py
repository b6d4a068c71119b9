"""Who may do what. Only this file uses Airflow's security modules.

Airflow does not protect a plugin's routes, so each depends on a function below, by Airflow's documented means
(``get_user``, ``requires_access_dag``) and auth manager. Any failure closes the page (503).

* **see** an account: read its DAG.
* **act** on it: start a run of its DAG.
* **connect** it: act, *and* edit the connection ``grdf_adict``: a consent is a credential.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.utils import get_authorization_scheme_param

from include.gas.documents.day_documents import account_of, check_account_id, dag_id

log = logging.getLogger(__name__)

try:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails, DagAccessEntity
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
except ImportError:
    log.exception("The page Gas accounts stays closed, whatever is asked: this Airflow has moved its security modules.")

ADICT_CONNECTION = "grdf_adict"
IMPORT = "grdf_import_accounts"
CITY = "grdf_city"


@dataclass(frozen=True)
class Visitor:
    """The logged-in Airflow user; only this file uses ``user`` and ``request``."""

    name: str
    user: Any = field(repr=False)
    request: Request = field(repr=False)


async def visitor_if_any(request: Request) -> Visitor | None:
    """Return the user, or ``None`` without a login, for households' routes; 503 if Airflow cannot be asked."""
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    bearer = HTTPAuthorizationCredentials(scheme=scheme, credentials=token) if token else None
    try:
        user: Any = await get_user(request, None, bearer)
        found = Visitor(str(user.get_name()), user, request)
    except HTTPException:  # no token, an expired one, or another Airflow's
        return None
    except Exception as error:
        log.exception("Airflow could not say who sent a request to the page Gas accounts.")
        raise HTTPException(503, "closed") from error
    request.state.logged_in = True
    return found


VisitorIfAnyDep = Annotated[Visitor | None, Depends(visitor_if_any)]


def visitor(found: VisitorIfAnyDep) -> Visitor:
    """Return the user who sent the request; 401 without a login."""
    if found is None:
        raise HTTPException(401, "not logged in")
    return found


VisitorDep = Annotated[Visitor, Depends(visitor)]


def account_in_path(account: str, _: VisitorDep) -> str:
    """Return the id of the account in the path; 404 if it cannot be one."""
    try:
        return check_account_id(account)
    except ValueError:
        raise HTTPException(404, "no account id") from None


AccountDep = Annotated[str, Depends(account_in_path)]


def can_see(visitor: Visitor, dag: str) -> bool:
    """Return whether the visitor may read a DAG, which need not exist yet."""
    return bool(_answer(lambda: requires_access_dag("GET", None, dag)(visitor.request, visitor.user) is None))


def can_act(visitor: Visitor, dag: str) -> bool:
    """Return whether the visitor may start runs of a DAG, which need not exist yet."""
    runs = DagAccessEntity.RUN
    return bool(_answer(lambda: requires_access_dag("POST", runs, dag)(visitor.request, visitor.user) is None))


def can_connect_some(visitor: Visitor) -> bool:
    """Return whether the visitor may edit the connection ``grdf_adict``."""
    adict, user = ConnectionDetails(conn_id=ADICT_CONNECTION), visitor.user
    return bool(_answer(lambda: get_auth_manager().is_authorized_connection(method="PUT", details=adict, user=user)))


def can_connect(visitor: Visitor, account: str) -> bool:
    """Return whether the visitor may connect an account."""
    return can_act(visitor, dag_id(account)) and can_connect_some(visitor)


def can_import(visitor: Visitor) -> bool:
    """Return whether the visitor may import households."""
    return can_connect_some(visitor) and can_act(visitor, IMPORT)


def visible_accounts(visitor: Visitor, accounts: Collection[str]) -> set[str]:
    """Return those of the accounts that the visitor may see."""
    dags, user = {dag_id(account) for account in accounts}, visitor.user
    seen = _answer(lambda: get_auth_manager().filter_authorized_dag_ids(dag_ids=dags, user=user, method="GET"))
    return {account for account in map(account_of, seen or ()) if account}


def login_url(request: Request) -> str | None:
    """Return Airflow's login page, which leads back to this path: the query is secret, the host anybody's."""
    try:
        return str(get_auth_manager().get_url_login(next_url=request.url.path))
    except Exception:  # noqa: BLE001 - the page that says "not logged in" is shown anyway
        return None


def _answer(question: Callable[[], Any]) -> Any:
    """Return what Airflow answers, or ``None`` if it refuses the user; 503 if it cannot answer."""
    try:
        return question()
    except HTTPException as refused:
        if refused.status_code == 403:
            return None
        raise
    except Exception as error:
        log.exception("Airflow could not say what a user may do on the page Gas accounts.")
        raise HTTPException(503, "closed") from error


def _require(can: Callable[[Visitor], bool]) -> Callable[[Visitor], Visitor]:
    """Return the dependency of routes that need a right; 403 without it."""

    def required(visitor: VisitorDep) -> Visitor:
        if not can(visitor):
            raise HTTPException(403, "forbidden")
        return visitor

    return required


def _require_for_account(can: Callable[[Visitor, str], bool]) -> Callable[[Visitor, str], Visitor]:
    """Return the same for a right on the account in the path."""

    def required(visitor: VisitorDep, account: AccountDep) -> Visitor:
        return _require(lambda who: can(who, account))(visitor)

    return required


may_view = _require_for_account(lambda visitor, account: can_see(visitor, dag_id(account)))
may_act = _require_for_account(lambda visitor, account: can_act(visitor, dag_id(account)))
may_connect = _require_for_account(can_connect)
may_connect_some = _require(can_connect_some)
may_import = _require(can_import)
may_see_city = _require(lambda visitor: can_see(visitor, CITY))
ActorDep = Annotated[Visitor, Depends(may_act)]
ConnectorDep = Annotated[Visitor, Depends(may_connect)]
