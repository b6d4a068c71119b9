"""GRDF's refusal of a meter is a question to its list of rights, and believed as far as the list agrees."""

from __future__ import annotations

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.doubt import is_over, weigh
from grdf.ledger.meters import Ledger
from include.gas.errors import (
    ConsentLost,
    ConsentTooNarrow,
    GasError,
    RefusalDoubted,
    RetryLater,
    ServiceUnavailable,
)
from include.sandbox.local_world import LocalWorld
from tests.helpers import adict_hook, known_account, lose

REFUSALS = (ConsentLost, ConsentTooNarrow)


def refusal(kind: type[GasError], account: str) -> GasError:
    return kind.about(account, "GRDF refuses it", "Do something.")


def weighed(account: str, pce: str, *kinds: type[GasError]) -> list[GasError]:
    return weigh([refusal(kind, account) for kind in kinds], Ledger(CouchDBHook()), adict_hook(), account, pce)


@pytest.mark.parametrize("kind", REFUSALS)
def test_what_the_list_contradicts_is_tried_again(clean: LocalWorld, account_id: str, kind: type[GasError]) -> None:
    (pce,) = known_account(clean, account_id)
    doubted, other = weighed(account_id, pce, kind, ServiceUnavailable)
    assert isinstance(doubted, RefusalDoubted)
    assert isinstance(doubted, RetryLater)
    assert "although its own list says that the consent is active" in str(doubted)
    assert pce not in str(doubted)
    assert type(other) is ServiceUnavailable, "what is no refusal stays"


@pytest.mark.parametrize("kind", REFUSALS)
def test_what_the_list_confirms_stays_and_the_ledger_knows(
    clean: LocalWorld, account_id: str, kind: type[GasError]
) -> None:
    (pce,) = known_account(clean, account_id)
    lose(clean, pce)
    (stays,) = weighed(account_id, pce, kind)
    assert type(stays) is kind
    (right,) = Ledger(CouchDBHook()).fetch([pce])[pce].rights
    assert right.state == "ended"


@pytest.mark.parametrize("kind", REFUSALS)
def test_without_a_list_no_refusal_is_believed(clean: LocalWorld, account_id: str, kind: type[GasError]) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.fault("droits_acces", status=503, times=None)
    (told,) = weighed(account_id, pce, kind)
    assert isinstance(told, RefusalDoubted)


def test_what_needs_no_question_asks_none(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.clear_log()
    assert [type(each) for each in weighed(account_id, pce, ServiceUnavailable)] == [ServiceUnavailable]
    assert clean.control.log() == []


def test_a_doubt_is_left_to_the_next_run_earlier_than_an_outage(account_id: str) -> None:
    from grdf.airflow.retries import SOON
    from grdf.airflow.tasks.run import Run
    from tests.helpers import context

    first, late, last = (Run.of(context(try_number=number, max_tries=SOON + 1)) for number in (1, SOON, SOON + 2))
    doubt, outage = refusal(RefusalDoubted, account_id), refusal(ServiceUnavailable, account_id)
    assert [is_over(run, doubt) for run in (first, late, last)] == [False, True, True]
    assert [is_over(run, outage) for run in (first, late, last)] == [False, False, True]
