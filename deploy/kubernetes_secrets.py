"""``python3 deploy/kubernetes_secrets.py .env …``: print the Secrets that ``deploy/helm-values.yaml`` names.

Passwords, keys and the GRDF client come from a filled ``.env`` (``./grdf env``), the addresses of your servers from the
command line. What is printed is for ``kubectl apply --server-side``: plain ``apply`` would repeat it in an annotation.
It needs no set-up, and any Python 3.9.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

NEEDED = (
    *("POSTGRES_PASSWORD", "COUCHDB_PASSWORD", "COUCHDB_ADMIN_PASSWORD"),
    *("REDIS_SCHEDULER_PASSWORD", "REDIS_WORKER_PASSWORD", "REDIS_DELETION_PASSWORD", "REDIS_QUOTA_PASSWORD"),
    *("AIRFLOW_ADMIN_USER", "AIRFLOW_ADMIN_PASSWORD", "FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY"),
    *("GRDF_CLIENT_ID", "GRDF_CLIENT_SECRET", "GRDF_DELETE_CLIENT_ID", "GRDF_DELETE_CLIENT_SECRET"),
)
ADDRESSES = {
    "token_url": "GRDF_TOKEN_URL",
    "authorize_url": "GRDF_AUTHORIZE_URL",
    "redirect_uri": "GRDF_REDIRECT_URI",
    "issuer": "GRDF_ISSUER",
    "id_token_algorithms": "GRDF_ID_TOKEN_ALGORITHMS",
    "jwks_url": "GRDF_JWKS_URL",
}
"""What the compose file also gives the connection ``grdf_adict``; empty values use this project's defaults."""


LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z_0-9]*)=(.*)")
WRITTEN = re.compile(
    r"""\s*(?:'([^']*)'|"((?:\\["\\nrt]|[^"\\])*)"|([^'"#\s](?:(?!\s\#).)*))\s*(?:(?<=\x20)\#.*)?|\s*"""
)
"""A value: in single quotes as it is, in double quotes with escapes, or bare, and perhaps a comment after a space."""
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def filled(form: str) -> dict[str, str]:
    """Return the variables of a ``.env`` that have a value, as Docker Compose reads them.

    What Compose may read in another way is refused rather than guessed: a secret or an address would differ.

    :raises ValueError: if it contains what Compose would replace, a quote without its end, or a line of another form
        (Docker doc, "Syntax for environment files in Docker Compose"; compared with Compose 2.26)
    """
    values = {}
    for number, line in enumerate(form.replace("\r\n", "\n").split("\n"), start=1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        found = LINE.fullmatch(line) if line.replace("\t", " ").isprintable() else None
        if not found:
            raise ValueError(f"line {number} is neither NAME=value nor a comment")
        values[found[1]] = _value(*found.groups())
    return {name: value for name, value in values.items() if value}


def _value(name: str, text: str) -> str:
    found = WRITTEN.fullmatch(text)
    if not found or (found[1] or "").endswith("\\"):
        raise ValueError(
            f"{name}: its quote does not end, something follows it, a \\ stands before a letter that stays as it is, "
            "or a # does not follow a space. Put the value in single quotes"
        )
    literal, quoted, bare = found.groups()
    if literal is not None:
        return str(literal)
    value = (
        (bare or "").strip() if quoted is None else re.sub(r"\\(.)", lambda each: ESCAPED.get(each[1], each[1]), quoted)
    )
    if "$" in value:
        raise ValueError(f"{name}: Docker Compose would replace what follows the $. Put the value in single quotes")
    return str(value)


def secrets_of(env: Mapping[str, str], postgres: str, redis: str, couchdb: str) -> dict[str, dict[str, str]]:
    """Return the Secrets, by name, with their keys.

    :param postgres: ``HOST[:PORT]/DATABASE``, with ``?sslmode=…`` where it matters; the user is ``airflow``
    :param redis: ``redis://HOST[:PORT]``, without a number
    :param couchdb: ``http[s]://HOST[:PORT]``
    """
    return {
        "grdf-database": {
            "connection": f"postgresql+psycopg://airflow:{quote(env['POSTGRES_PASSWORD'], safe='')}@{postgres}"
        },
        "grdf-broker": _broker(env, redis, "scheduler"),
        "grdf-broker-worker": _broker(env, redis, "worker"),
        "grdf-broker-deletion": _broker(env, redis, "deletion"),
        "grdf-quota": {"connection": env.get("QUOTA_URL") or f"{_redis(env, redis, 'quota')}/1"},
        "grdf-fernet": {"fernet-key": env["FERNET_KEY"]},
        "grdf-jwt": {"jwt-secret": env["JWT_SECRET"]},
        "grdf-api": {"api-secret-key": env["API_SECRET_KEY"]},
        "grdf-admin": {"user": env["AIRFLOW_ADMIN_USER"], "password": env["AIRFLOW_ADMIN_PASSWORD"]},
        "grdf-couchdb": {"connection": _couchdb(couchdb, "grdf", env["COUCHDB_PASSWORD"])},
        "grdf-client": {"connection": _grdf(env, "GRDF_CLIENT", ADDRESSES)},
        "grdf-deletion": {
            "connection": _grdf(env, "GRDF_DELETE_CLIENT", ("token_url",)),
            "couchdb-admin": _couchdb(couchdb, "admin", env["COUCHDB_ADMIN_PASSWORD"]),
            "airflow": env.get("DELETION_AIRFLOW_CONNECTION", ""),
        },
        # Empty where there is none, as in the compose file: the chart drops `optional`, and no pod would start.
        "grdf-staging": {"connection": env.get("STAGING_CONNECTION", "")},
    }


def _redis(env: Mapping[str, str], address: str, user: str) -> str:
    password = quote(env[f"REDIS_{user.upper()}_PASSWORD"], safe="")
    return address.replace("://", f"://{user}:{password}@", 1).rstrip("/")


def _broker(env: Mapping[str, str], address: str, user: str) -> dict[str, str]:
    own = _redis(env, address, user)
    return {"connection": f"{own}/0", "results": f"{own}/2"}


def _couchdb(address: str, login: str, password: str) -> str:
    url = urlsplit(address)
    port = url.port or (443 if url.scheme == "https" else 5984)
    place = {"conn_type": "http", "schema": url.scheme, "host": url.hostname, "port": port}
    return json.dumps({**place, "login": login, "password": password})


def _grdf(env: Mapping[str, str], client: str, extra: Sequence[str] | Mapping[str, str]) -> str:
    return json.dumps(
        {
            "conn_type": "http",
            "host": env.get("GRDF_API_BASE", ""),
            "login": _from_json(env, f"{client}_ID"),
            "password": _from_json(env, f"{client}_SECRET"),
            "extra": {name: env.get(ADDRESSES[name], "") for name in extra},
        }
    )


def _from_json(env: Mapping[str, str], name: str) -> str:
    """Return a value that the compose file puts into a JSON text as it is, where a quote needs a backslash."""
    try:
        return str(json.loads(f'"{env[name]}"'))
    except ValueError:
        raise ValueError(f'{name}: a " or a \\ in it needs a \\ before it, and single quotes around it all') from None


def main(argv: Sequence[str]) -> int:
    """Print the Secrets as a list that Kubernetes reads, or say on stderr what is missing."""
    parser = argparse.ArgumentParser(description="Print the Secrets that deploy/helm-values.yaml names.")
    parser.add_argument("env", type=Path, help="a filled .env, as ./grdf env makes it")
    parser.add_argument("--postgres", required=True, metavar="HOST[:PORT]/DATABASE", help="its user is airflow")
    parser.add_argument("--redis", required=True, metavar="redis://HOST[:PORT]")
    parser.add_argument("--couchdb", required=True, metavar="http[s]://HOST[:PORT]")
    asked = parser.parse_args(argv)
    for name, example in (("redis", "redis://redis.data:6379"), ("couchdb", "http://couchdb.data:5984")):
        url = urlsplit(getattr(asked, name))
        if not (url.scheme and url.hostname) or "@" in url.netloc or url.path.strip("/"):
            parser.error(f"--{name} is an address without a password or a path, such as {example}")
    try:
        env = filled(asked.env.read_bytes().decode("utf-8-sig"))
        if missing := [name for name in NEEDED if name not in env]:
            print(f"grdf: fill in {', '.join(missing)} in {asked.env} first.", file=sys.stderr)
            return 1
        secrets = secrets_of(env, asked.postgres, asked.redis, asked.couchdb)
    except ValueError as error:
        print(f"grdf: {asked.env}: {error}.", file=sys.stderr)
        return 1
    items = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque", "stringData": keys}
        for name, keys in secrets.items()
    ]
    if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
        os.fchmod(sys.stdout.fileno(), 0o600)
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
