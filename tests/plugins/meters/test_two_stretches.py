"""An account with two rights to its meter, for two stretches of days: neither hides that the other is unread."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import FailNow
from tests.helpers import days_of, holder, stored, yesterday
from tests.plugins.steps import asked, document, extract, load

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Airflow home with a separate staging folder."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def newer(clean: LocalWorld, account_id: str) -> str:
    """The newer of the account's two rights, which cover the days from -800 to -600 and from -100 on."""
    today, (pce,) = clean.control.today(), holder(account_id).pces
    first, end, again = (str(today - timedelta(days=days)) for days in (800, 600, 100))
    (former,) = clean.control.consent([pce], conso_debut=first, conso_fin=end)
    (right,) = clean.control.consent([pce], conso_debut=again, keep_others=True)
    older, own = ({"pce": pce, "id_accreditation": each["id_droit_acces"]} for each in (former, right))
    results = {"pce_id": pce, "consents": [own | {"others": [older]}]}
    clean.book.save(
        {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results}
    )
    return str(right["id_droit_acces"])


def assert_stored(world: LocalWorld, couchdb: CouchDBHook, account_id: str, *stretches: tuple[int, int]) -> None:
    """Assert that all days are stored that GRDF has of some stretches, each from and to a number of days ago."""
    today, (pce,) = world.control.today(), holder(account_id).pces
    expected: dict[str, float] = {}
    for first, end in stretches:
        expected |= world.control.expected(pce, today - timedelta(days=first), today - timedelta(days=end))
    assert days_of(stored(couchdb, account_id, pce)) == expected


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("damaged", [0, 1])
def test_a_stretch_whose_answer_cannot_be_read_is_asked_for_by_the_next_run(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, damaged: int
) -> None:
    staged = extract(account_id, yesterday(clean))
    file = Path(str(staged["reference"]).removeprefix("file://"))
    rows = json.loads(file.read_text())
    assert len(rows) == 2
    rows[damaged]["read_at"] = "x"
    file.write_text(json.dumps(rows))
    with pytest.raises(FailNow, match="cannot be read"):
        load(account_id, staged)
    assert "history" not in document(clean, account_id)
    load(account_id, extract(account_id, yesterday(clean), run_id="next"), run_id="next")
    assert_stored(clean, couchdb, account_id, (800, 600), (100, 0))


def test_the_days_between_are_asked_for_once_a_list_dates_a_right_from_there(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, newer: str
) -> None:
    today = clean.control.today()
    load(account_id, extract(account_id, yesterday(clean)))
    first = today - timedelta(days=600)
    clean.control.change_consent(newer, perim_donnees_conso_debut=str(first))
    changed = document(clean, account_id)
    changed["oauth_callback_results"]["consents"][0]["first"] = str(first)  # as grdf_consents would find it
    clean.book.save(changed)
    asked(clean)
    load(account_id, extract(account_id, yesterday(clean), run_id="next"), run_id="next")
    assert len(asked(clean)) == 1, "one call for all days"
    assert_stored(clean, couchdb, account_id, (800, 0))
    load(account_id, extract(account_id, yesterday(clean), run_id="third"), run_id="third")
    ((_, from_, _),) = asked(clean)
    assert from_ > str(today - timedelta(days=100)), "once"
