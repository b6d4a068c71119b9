"""The cost of an account's DAG for Airflow: building, serialising, storing, finding it in a worker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from pathlib import Path

from benchmarks import airflow_parts as airflow
from benchmarks.plain_dags import CRON, DELTA, GAS_DAY, PARAMS, plain_file
from benchmarks.report import Report, Target
from benchmarks.timing import Figures, side_by_side, watch
from grdf.airflow.bundle.account_files import write_changed
from include.gas.days.spread import DAG_FILES, dag_file_of

OURS = f"ours ({DAG_FILES} files of the bundle)"
Files = dict[str, tuple[Path, ...]]
NAIVE = "naive (cron, Params, 4 empty tasks)"
LIMIT_MS = 5.0
SYNCED = 100
"""DAGs per database pass: more cost the same each."""


def run(report: Report, home: Path, *, accounts: int, repeat: int) -> None:
    ids = [blake2b(f"bench-{number}".encode(), digest_size=16).hexdigest() for number in range(accounts)]
    ours = _bundle(home / "bundle", ids)
    report.facts = {"accounts": accounts, "repeats": repeat, "figures": "medians"}
    files: Files = {
        OURS: ours,
        NAIVE: (plain_file(home / "naive", "naive", ids, schedule=CRON, params=PARAMS),),
        "naive without Params": (plain_file(home / "cron", "cron", ids, schedule=CRON),),
        "... on the gas-day timetable": (plain_file(home / "gas_day", "gas_day", ids, schedule=GAS_DAY),),
    }
    _workers(report, files, ids[0], repeat)
    _build_and_serialise(report, files, repeat)
    synced = ids[:SYNCED]
    _database(report, home / "sync", synced, max(repeat // 2, 1))


def _bundle(folder: Path, ids: list[str]) -> tuple[Path, ...]:
    folder.mkdir(parents=True)
    write_changed(folder, ids)
    return tuple(folder / f"grdf_accounts_{number}.py" for number in range(DAG_FILES))


def _build_and_serialise(report: Report, files: Files, repeat: int) -> None:
    def measure(some: tuple[Path, ...]) -> Figures:
        with watch() as build:
            bags = [airflow.build(file) for file in some]
        with watch() as serialise:
            dags = airflow.serialise(*bags)
        count = len(dags)
        return {
            "build": build.wall / count,
            "serialise": serialise.wall / count,
            "both": (build.wall + serialise.wall) / count,
            "both, CPU": (build.cpu + serialise.cpu) / count,
            "bytes": airflow.serialised_bytes(dags),
            "DAGs": count,
        }

    variants: dict[str, Callable[[], Figures]] = {name: partial(measure, some) for name, some in files.items()}
    for variant in variants.values():
        variant()  # a warm-up for costs that each process has once, whatever the number of accounts
    found = side_by_side(variants, repeat)
    report.tables["Build and serialise, as the DAG processor does: ms per DAG"] = [
        {"DAG file": name, **{key: value for key, value in found.middle(name).items() if key not in ("bytes", "DAGs")}}
        | {"of naive": found.ratio(name, NAIVE, "both"), "bytes": round(found.middle(name)["bytes"])}
        for name in found
    ]
    counts = {found.middle(name)["DAGs"] for name in found}
    if counts != {report.facts["accounts"]}:
        report.wrong.append(f"the DAG files gave {sorted(counts)} DAGs for {report.facts['accounts']} accounts")
    report.targets.append(Target("build and serialise one account's DAG, ms", found.middle(OURS)["both"], LIMIT_MS))


def _workers(report: Report, files: Files, account: str, repeat: int) -> None:
    """Measure how long a worker takes to find its DAG, first: the process's first parse."""

    def measure(file: Path, dag_id: str) -> Figures:
        with airflow.parsing_context(dag_id), watch() as parse:
            bag = airflow.build(file)
        if dag_id not in bag.dags:
            report.wrong.append(f"{file.name} did not give a worker the DAG {dag_id}")
        return {"ms": parse.wall, "DAGs built": len(bag.dags)}

    ours = partial(measure, files[OURS][dag_file_of(account)], f"grdf_account__{account}")
    first = ours()
    found = side_by_side({OURS: ours, NAIVE: partial(measure, files[NAIVE][0], f"naive__{account}")}, repeat)
    report.tables["A worker finding the one DAG it runs"] = [
        {"DAG file": name, "DAGs built": round(found.middle(name)["DAGs built"]), "ms": found.middle(name)["ms"]}
        for name in found
    ]
    report.remarks.append(
        f"The first parse of this process, which imports our modules and parts of Airflow: {first['ms']:.0f} ms."
    )


def _database(report: Report, folder: Path, ids: list[str], repeat: int) -> None:
    files: Files = {
        OURS: _bundle(folder / "bundle", ids),
        NAIVE: (plain_file(folder / "naive", "naive", ids, schedule=CRON, params=PARAMS),),
        "four empty tasks, gas-day timetable": (plain_file(folder / "gas_day", "gas_day", ids, schedule=GAS_DAY),),
        "four empty tasks, timedelta": (plain_file(folder / "delta", "delta", ids, schedule=DELTA),),
        "four empty tasks, cron": (plain_file(folder / "cron", "cron", ids, schedule=CRON),),
    }
    airflow.make_database()

    def measure(name: str) -> Figures:
        dags = airflow.copies(serialised[name])
        with watch() as sync:
            airflow.sync(dags)
        return {"ms": sync.wall / len(dags), "CPU": sync.cpu / len(dags)}

    serialised = {name: airflow.serialise(*map(airflow.build, some)) for name, some in files.items()}
    variants: dict[str, Callable[[], Figures]] = {name: partial(measure, name) for name in files}
    new = {name: variant() for name, variant in variants.items()}
    found = side_by_side(variants, repeat)
    report.tables[f"Writing DAGs to Airflow's database (SQLite), {len(ids)} at a time: ms per DAG and pass"] = [
        {
            "DAG file": name,
            "first pass": new[name]["ms"],
            "later passes": found.middle(name)["ms"],
            "CPU": found.middle(name)["CPU"],
            "of naive": found.ratio(name, NAIVE, "ms"),
        }
        for name in found
    ]
