"""PostgreSQL as a durable store: every commit on the disk, a lost server noticed in seconds.

Source: postgresql.org/docs, "Parameter Key Words" (libpq) and "Write Ahead Log".
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from bedside.errors import SiteProblem
from bedside.store.disk import allows_forgetting
from bedside.store.statement import Statement

PATIENCE: Final[Mapping[str, int]] = MappingProxyType(
    {
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
)
"""How soon a server that is no longer there is noticed, in seconds, the last one in milliseconds; what
the site's URL says goes before it. Without this a server that vanished without a word would hold up
every request until the operating system gives up, after a quarter of an hour."""


def connecting(address: URL, lock_seconds: float) -> dict[str, Any]:
    """Return with what to connect to the server at `address`.

    Args:
        address: The URL from the settings; its own `options` come first.
        lock_seconds: How long a statement waits for a lock.

    Raises:
        SiteProblem: the driver is not installed.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise SiteProblem(
            "PostgreSQL needs psycopg, which is not installed.",
            advice="pip install 'bedside[postgres]'",
        )
    asked = address.query.get("options", "")
    wait = f"-c lock_timeout={int(lock_seconds * 1000)}"
    options = f"{asked} {wait} -c synchronous_commit=on -c client_encoding=UTF8".lstrip()
    patience = {name: value for name, value in PATIENCE.items() if name not in address.query}
    return {**patience, "options": options}


def refuse_forgetful_server(connection: Connection) -> None:
    """Do nothing when the server waits for its disk.

    Raises:
        SiteProblem: it does not.
    """
    if allows_forgetting(os.environ):
        return
    for setting in ("fsync", "full_page_writes"):
        if connection.exec_driver_sql(f"SHOW {setting}").scalar_one() != "on":
            raise SiteProblem(
                f"The PostgreSQL server has {setting}=off: what it confirms, a power cut undoes.",
                advice=f"Set {setting} = on in postgresql.conf and reload it.",
            )


def begin_with_pen(number: int) -> Statement:
    """Return what begins a writing transaction and takes the advisory lock `number`, in one round.

    Each statement after the lock sees what was committed before.
    """
    begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    return Statement(f"{begin}; SELECT pg_advisory_xact_lock({number})")
