"""The calls of trials: whoever may create connections can press *Test* all day, on a simulated clock."""

from __future__ import annotations

import pytest

from grdf.quota.allowance import Quota
from grdf.quota.ledger import Ledger
from grdf.quota.terms import TRIAL
from include.gas.errors import LinkCallsSpent, QuotaWait
from tests.plugins.clockwork import NOON, Clockwork, call, instants

SMALL = Quota(1000.0, 50, 10, links=5, trials=6)


def test_they_have_a_budget_of_their_own() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 6, "trial")
    assert (governor.left("trial"), governor.left("link"), governor.left()) == (0, 5, 44)
    with pytest.raises(QuotaWait, match="the 6 calls a day of Test buttons") as caught:
        call(governor, purpose="trial")
    assert not isinstance(caught.value, LinkCallsSpent)
    assert caught.value.retry_after is not None
    instants(clock, governor, 44)
    clock.now += caught.value.retry_after
    call(governor, purpose="trial")


def test_a_trial_that_is_given_up_is_not_counted() -> None:
    ledger, quota = Ledger(), Quota(1.0, 50, trials=6)
    assert ledger.ask(NOON, quota, TRIAL, None, patience=20).seconds == 0
    waiting = ledger.ask(NOON, quota, TRIAL, None, patience=20)
    assert waiting.ticket is not None
    assert ledger.left(NOON, SMALL, "trial") == 4
    ledger.take_back(NOON, TRIAL, waiting.ticket)
    assert Ledger.read(ledger.text()).left(NOON, SMALL, "trial") == 5
