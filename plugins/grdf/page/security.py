"""Who may do what. Only this file uses Airflow's security modules.

Airflow does not protect the routes of a plugin. Every route of the page depends on one of the functions below. They use
what Airflow documents for that (``get_user``, ``requires_access_dag``) and ask the auth manager in use
(SimpleAuthManager, FAB, ...), with the bearer token or the UI cookie that the request carries. Any failure on the way,
for example a module that has moved, closes the page (503) and never opens it.

* **see** an account: read its DAG.
* **act** on it: start a run of its DAG.
* **connect** it: start a run of its DAG *and* edit the connection ``grdf_adict``. Connecting puts a household's
  consent, which is a credential, into this installation, and Airflow reserves credentials for those who may edit
  connections.
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


@dataclass(frozen=True)
class Visitor:
    """The logged-in Airflow user who sent the request.

    :param name: the user's name, for texts and records
    :param user: Airflow's user object; only this file uses it
    :param request: the user's request; only this file uses it
    """

    name: str
    user: Any = field(repr=False)
    request: Request = field(repr=False)


async def visitor_if_any(request: Request) -> Visitor | None:
    """Return the user who sent the request, ``None`` if nobody is logged in.

    Routes that a household may use depend on this.

    :raises HTTPException: 503 if Airflow cannot be asked
    """
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    bearer = HTTPAuthorizationCredentials(scheme=scheme, credentials=token) if token else None
    try:
        user: Any = await get_user(request, None, bearer)
        found = Visitor(str(user.get_name()), user, request)
    except HTTPException:  # no token, an expired one, or one of another Airflow: to the caller it is the same
        return None
    except Exception as error:
        log.exception("Airflow could not say who sent a request to the page Gas accounts.")
        raise HTTPException(503, "closed") from error
    request.state.logged_in = True
    return found


VisitorIfAnyDep = Annotated[Visitor | None, Depends(visitor_if_any)]


def visitor(found: VisitorIfAnyDep) -> Visitor:
    """Return the user who sent the request.

    :raises HTTPException: 401 if nobody is logged in
    """
    if found is None:
        raise HTTPException(401, "not logged in")
    return found


VisitorDep = Annotated[Visitor, Depends(visitor)]


def account_in_path(account: str, _: VisitorDep) -> str:
    """Return the id of the account in the path.

    :raises HTTPException: 404 if it cannot be an account's id
    """
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
    """Return the accounts that the visitor may see.

    :param accounts: ids of the accounts to choose from
    """
    dags, user = {dag_id(account) for account in accounts}, visitor.user
    seen = _answer(lambda: get_auth_manager().filter_authorized_dag_ids(dag_ids=dags, user=user, method="GET"))
    return {account for account in map(account_of, seen or ()) if account}


def login_url(request: Request) -> str | None:
    """Return the address of Airflow's login page, which leads back to this page; ``None`` if it is not known.

    The query is left out, because what GRDF has sent must not be passed on.

    :param request: the request that came without a login
    """
    try:
        return str(get_auth_manager().get_url_login(next_url=str(request.url.replace(query="", fragment=""))))
    except Exception:  # noqa: BLE001 - the page that says "not logged in" is shown anyway
        return None


def _answer(question: Callable[[], Any]) -> Any:
    """Return what Airflow answers; ``None`` if it refuses the user.

    :raises HTTPException: 503 if it cannot say
    """
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
    """Return the dependency of routes for those who have a right. Others get 403."""

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
ActorDep = Annotated[Visitor, Depends(may_act)]
ConnectorDep = Annotated[Visitor, Depends(may_connect)]
