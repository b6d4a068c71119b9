"""``[grdf] staging_url`` holds no login: the place of a run's answers is an XCom, and stands in messages."""

from __future__ import annotations

import traceback

import pytest

from grdf import settings
from include.gas.errors import BadSettings


@pytest.mark.parametrize(
    "url",
    [
        "memory://writer:hush-hush@store/staging",
        "s3://writer:[hush-hush]@bucket/x",
        "s3://bucket/x?X-Amz-Signature=hush-hush",
    ],
)
def test_a_login_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", url)
    with pytest.raises(BadSettings, match=r"\[grdf\] staging_url holds a login.*s3://connection@bucket") as caught:
        settings.staging_url()
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "s3://connection@bucket/staging",
        "file:///srv/of:us@home",
    ],
)
def test_what_is_no_login_stays(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", url)
    assert settings.staging_url() == url


@pytest.mark.parametrize("url", ["hush-hush@store", "//[hush-hush]@store/x", "//writer@hush-hush\u2100@store/x"])
def test_what_is_no_url_is_told_without_its_login(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", url)
    with pytest.raises(BadSettings, match=r"\[grdf\] staging_url is not a URL") as caught:
        settings.staging_url()
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))
