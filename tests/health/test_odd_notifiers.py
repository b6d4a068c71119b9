"""Whatever is wrong with the notifier of the settings is a wrong setting that is named, and never the check's end."""

from __future__ import annotations

from pathlib import Path

import pytest

from grdf.health import alerting
from grdf.health.alerting import Alerter
from grdf.operators.check_health import CheckHealthOperator
from include.gas.errors import BadSettings
from tests.health.notifiers import HERE

BROKEN = {
    "syntax": "class Notifier(\n",
    "raises": "raise RuntimeError('TOKEN is not set')\n",
    "key": "import os\nTOKEN = os.environ['NO_SUCH_TOKEN']\n",
    "exits": "raise SystemExit('no configuration')\n",
}


@pytest.mark.parametrize("path", [".smtp.SmtpNotifier", "..x.Y", "Notifier", "a..b", "os.path", "os:path", f"{HERE}."])
def test_a_class_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", path)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier is"):
        Alerter()


@pytest.mark.parametrize("name", BROKEN)
def test_a_module_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / f"broken_{name}.py").write_text(BROKEN[name])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"broken_{name}.Notifier")
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier is"):
        Alerter()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[]", "{", "null"], ids=lambda text: text[:9])
def test_arguments_that_are_no_json_object(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{HERE}.Keeping")
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS", text)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier_kwargs is no JSON object"):
        Alerter()


def test_an_error_that_nobody_foresaw_is_a_wrong_setting_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unforeseen() -> Alerter:
        raise RuntimeError("of a notifier")

    monkeypatch.setattr(alerting, "Alerter", unforeseen)
    wrong: list[BadSettings] = []
    assert CheckHealthOperator(task_id="check").alerter(wrong) is None
    assert ["[grdf] alert_notifier" in str(error) and "of a notifier" in str(error) for error in wrong] == [True]
