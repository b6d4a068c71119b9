"""The result of a daily run that was interrupted after storing its days, and then repeated."""

from __future__ import annotations

from dataclasses import replace

from include.gas.documents.doctypes import MONTH, YEAR
from include.gas.documents.gas_days import database_name
from tests.bench.counting_proxy import CountingProxy
from tests.bench.peers_scene import DAILY, FIRST, Scene
from tests.bench.peers_ways import Way
from tests.bench.report import Report, Row

NOT_SUMS = "totals not the sum of stored days"


def cut_off(report: Report, at: Scene, kind: type[Way]) -> Row:
    """Do a first import, a daily run that cannot write totals, and the daily run again. Return what is wrong then.

    :param report: the report, to which unexpected errors are added
    :param at: the household
    :param kind: the way
    """
    with CountingProxy(at.couch.url) as proxy, at.couch.fresh() as place:
        way = kind(at.site(place))
        way.begin()
        at.save_account(place)
        at.set(FIRST)
        way.run(FIRST)
        way.close()
        truth = at.set(DAILY)
        totals = [database_name(doctype, place.prefix) for doctype in (MONTH, YEAR)]

        def writes_a_total(method: str, path: str) -> bool:
            inside = any(f"/{name}" in path for name in totals) and "_all_docs" not in path
            return inside and method in ("POST", "PUT", "DELETE")

        proxy.refuse = writes_a_total
        broken = kind(at.site(replace(place, url=proxy.url)))
        try:
            broken.run(DAILY)
        except Exception:  # noqa: BLE001 - each way fails with an exception of its own
            broken.close()
        else:
            report.wrong.append(f"{way.name}: a daily run that could not write totals ended well")
        again = kind(at.site(place))
        again.run(DAILY)
        off = again.stored().differences(truth)
        again.close()
    short = off[NOT_SUMS]
    if bool(short) != kind.loses_totals_when_cut or off["days missing"] or off["days too many"]:
        report.wrong.append(f"{way.name}, run again after a daily run that was cut off: {off}")
    return {"days wrong": off["days wrong"], "totals": short}
