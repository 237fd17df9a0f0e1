"""Finds out whether a database in trouble can be written to again."""

from __future__ import annotations

from pathlib import Path

from bedside.store.condition import refuse_without_room
from bedside.store.database import Database


def probe(database: Database) -> None:
    """Write to a database without changing anything in it, and end its trouble if that goes.

    Raises:
        Unavailable: it cannot be written to now.
        SiteProblem: it is damaged.
    """
    with database.write() as connection:
        if database.dialect == "sqlite":  # the number in the file's head is written as it was
            for _, _, path in connection.exec_driver_sql("PRAGMA database_list").fetchmany(1):
                refuse_without_room(database.name, Path(str(path)))  # `main` comes first
            number = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
            connection.exec_driver_sql(f"PRAGMA user_version = {number}")
        else:  # a transaction that has a number is on the disk when it is committed
            connection.exec_driver_sql("SELECT pg_current_xact_id()")
    database.renew()
    database.condition.mended()
