"""The kept site of the first schema, laid out on a disk or in PostgreSQL as it was."""

from __future__ import annotations

import base64
import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlalchemy import column, insert, table
from sqlalchemy.schema import CreateSchema

from bedside.keys.tables import SCHEMA, subject_keys_table
from bedside.site.schema import upgrade_to
from bedside.store.database import Database

KEPT = Path(__file__).parent / "site-1"
FIRST = "0001"
EXPECTED: dict[str, Any] = json.loads((KEPT / "expected.json").read_text())


def lay_out(folder: Path, url: str) -> None:
    """Copy the folder; on PostgreSQL, fill the database at `url` through the first schema."""
    shutil.copytree(KEPT / "site", folder)
    for path in (folder, *folder.rglob("*")):  # git keeps no modes
        path.chmod(0o700 if path.is_dir() else 0o600)
    if url.startswith("sqlite"):
        return
    (folder / "bedside.db").unlink()
    (folder / "keys" / "subjects.db").unlink()
    rows = _rows()
    database = Database.open(url)
    with database.write() as connection:
        upgrade_to(connection, FIRST)
        connection.execute(CreateSchema(SCHEMA))
        keys = subject_keys_table(SCHEMA)
        keys.metadata.create_all(connection)
        connection.execute(insert(keys), rows.pop("subject_keys"))
        for name in ("people", "registry_versions", *sorted(rows)):  # others refer to these two
            if found := rows.pop(name, None):
                there = table(name, *(column(one) for one in found[0]))
                connection.execute(insert(there), found)
    database.close()


def _rows() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (KEPT / "rows.jsonl").read_text().splitlines():
        told = json.loads(line)
        if told["table"] != "alembic_version":
            found[told["table"]].append({k: _value(v) for k, v in told["row"].items()})
    return dict(found)


def _value(value: Any) -> Any:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
