"""``python -m grdf.heartbeat JOB``: whether a component of Airflow in this container is alive, for its health check.

``airflow jobs check`` answers the same question and takes 3.5 s of processor each time, because it imports all of
Airflow. This asks the database itself (0.3 s), and only knows PostgreSQL, as the compose file has it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

LONGEST_SILENCE = 60
"""Seconds. A component says every 5 s that it is alive (Airflow doc, ``[scheduler] job_heartbeat_sec``)."""

ASKED = """
SELECT extract(epoch FROM now() - max(latest_heartbeat)) FROM job
WHERE job_type = %s AND hostname = %s AND state = 'running'
"""


def main(argv: Sequence[str]) -> int:
    """Print what is wrong, if something is.

    :param argv: the type of the component's job, such as ``DagProcessorJob``
    :return: exit code: 0 if it is alive, 1 otherwise
    """
    import psycopg

    (job,) = argv
    address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg", "", 1)
    host = os.environ.get("HOSTNAME") or socket.gethostname()
    try:
        with psycopg.connect(address, connect_timeout=10) as database:
            row = database.execute(ASKED, (job, host)).fetchone()
    except psycopg.Error as error:
        print(f"Airflow's database did not answer: {type(error).__name__}.", file=sys.stderr)
        return 1
    silence = row[0] if row else None
    if silence is None or silence > LONGEST_SILENCE:
        told = "has not started" if silence is None else f"was last heard of {silence:.0f} s ago"
        print(f"{job} in {host} {told}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
