# mypy: ignore-errors
"""Made `tests/golden/site-1` once, with the code of the first released schema; never run again.

    git clone . /tmp/first && cd /tmp/first && git checkout 6d274f4
    PYTHONPATH=/tmp/first/src:/tmp/first python .../tests/golden/make_site_1.py OUT

It needs that code: what it calls may have other names by now. `OUT` gets the site's folder as it
lay on the disk, `rows.jsonl` with every row of both databases in words that any database can be
filled from, and `expected.json` with what the site said while it was new. The site key, the API
keys and the ledger's key in it were made for it and are nobody's.
"""

from __future__ import annotations

import base64
import contextlib
import sqlite3
import sys
from pathlib import Path
from typing import Any

from bedside.canonical import canonical_bytes
from bedside.errors import InputRefused
from bedside.serving.values import Decision, Row, Verdict
from tests import bedside_site
from tests.bedside_site import MODEL, REF
from tests.package.building import ROWS

PERSON = "site-1-person-0042"
REFUSED = {"radius": 100.0, "sex": "female", "age": 50}
SECRETS = ("administrator", "developer", "operator", "clinician", "auditor")


def main(out: Path) -> None:
    """Make the site, let it work, close it, and write down what it said."""
    built = bedside_site.build(out / "site")
    site = built.site
    built.release()
    clinician = built["clinician"].caller
    predicted = [
        site.serving.predict_now(clinician, MODEL, [Row(ROWS[1])])[0],
        site.serving.predict_now(clinician, MODEL, [Row(ROWS[0], PERSON)])[0],
        site.serving.predict_now(clinician, MODEL, [Row(ROWS[2], PERSON)])[0],
    ]
    site.serving.decide(
        clinician, predicted[1].id, Decision(Verdict.CORRECTED, "malignant", "The biopsy says so.")
    )
    with contextlib.suppress(InputRefused):
        site.serving.predict_now(clinician, MODEL, [Row(REFUSED)])
    signed = site.ledger.checkpoint()
    built.add(version="2.0.0")  # registered and verified, approved by nobody
    traces = {
        one.id: site.serving.trace(built["auditor"].caller, one.id).document() for one in predicted
    }
    site.close()
    expected: dict[str, Any] = {
        "ref": REF,
        "secrets": {name: built[name].secret for name in SECRETS},
        "person": PERSON,
        "inputs": [ROWS[1], ROWS[0], ROWS[2]],
        "refused": REFUSED,
        "predictions": [
            {"id": one.id, "label": one.label, "scores": dict(one.scores)} for one in predicted
        ],
        "checkpoint": signed.note,
        "traces": traces,
    }
    for name in ("bedside.db", "keys/subjects.db"):
        _settle(out / "site" / name)
    (out / "rows.jsonl").write_bytes(b"".join(_rows(out / "site")))
    (out / "expected.json").write_bytes(canonical_bytes(expected) + b"\n")


def _settle(path: Path) -> None:
    """Empty the write-ahead log, so that the file alone is the database."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _rows(folder: Path) -> list[bytes]:
    lines = []
    for name in ("bedside.db", "keys/subjects.db"):
        connection = sqlite3.connect(folder / name)
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type='table' ORDER BY rowid"
        )
        for (table,) in tables.fetchall():
            found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            columns = [column[0] for column in found.description]
            for row in found:
                values = {c: _plain(v) for c, v in zip(columns, row, strict=True)}
                lines.append(canonical_bytes({"table": table, "row": values}) + b"\n")
        connection.close()
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
