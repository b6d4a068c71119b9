"""``python -m grdf.first_user``: create the first user of Airflow's UI, an administrator, by ``airflow users create``.

Name and password come from the variables ``ADMIN_USER`` and ``ADMIN_PASSWORD``. On a command line, every user of the
machine could read the password, at each start.
"""

from __future__ import annotations

import os
import sys

WORDS = ("--firstname", "Airflow", "--lastname", "Admin", "--email", "admin@example.org", "--role", "Admin")


def main() -> int:
    """Create the user. One who exists is left as he is, with the password that he has.

    :return: exit code: 0 if there is such a user now, 1 if a variable is missing
    """
    user, password = os.environ.get("ADMIN_USER"), os.environ.get("ADMIN_PASSWORD")
    if not user or not password:
        print("grdf: no user was created: set ADMIN_USER and ADMIN_PASSWORD, then run this again.", file=sys.stderr)
        return 1
    # Airflow's own command, in this process: what the kernel shows as the command line stays what it is.
    from airflow.cli.cli_parser import get_parser

    # With "=", so that a name or password that begins with a dash is not taken for an option.
    asked = get_parser().parse_args(["users", "create", f"--username={user}", f"--password={password}", *WORDS])
    asked.func(asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
