from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from bedside.keys.signing import SigningKey
from bedside.package.package import open_package
from bedside.serving.many.diary import Entry
from bedside.serving.many.plan import Plan
from bedside.serving.many.summary import csv_of, told
from tests.volume_packages import volume_package

ENTRIES = (
    Entry("a", "sha256:a", "done", {"brain": 1234.5678}, (("mask-empty", "0 mL"),), 0.125, 2.5),
    Entry("=cmd()", "sha256:b", "refused", reason="It is\nno head, says 'the gate'."),
    Entry("c", "sha256:c", "done", {"brain": 2.0, "lesion": 0.5}),
)


def plan() -> Plan:
    package = open_package(volume_package(SigningKey.new()))
    return Plan(package.manifest, package.digest)


def test_the_table_has_a_line_for_each_volume_and_a_column_for_each_value() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(ENTRIES, "mL", recorded=False))))
    assert [row["state"] for row in rows] == ["done", "refused", "done"]
    assert [row["brain (mL)"] for row in rows] == ["1234.568", "", "2.000"]
    assert [row["lesion (mL)"] for row in rows] == ["", "", "0.500"]
    assert rows[0]["flags"] == "mask-empty"
    assert rows[0]["out_of_domain"] == "0.1250"
    assert {row["notice"] for row in rows} == {"UNRECORDED, not for clinical use"}


def test_no_cell_is_computed_by_a_spreadsheet_or_breaks_its_line() -> None:
    rows = list(csv.reader(io.StringIO(csv_of(ENTRIES, "mL", recorded=False))))
    assert len(rows) == 4
    assert rows[2][0] == "'=cmd()"
    assert rows[2][-2] == "It is no head, says 'the gate'."


def test_a_recorded_one_names_its_analyses_and_has_no_notice() -> None:
    entries = (replace(ENTRIES[0], id="0193"),)
    row = next(csv.DictReader(io.StringIO(csv_of(entries, "mL", recorded=True))))
    assert row["analysis"] == "0193"
    assert "notice" not in row
    assert "notice" not in told(entries, plan(), "mL", recorded=True)


def test_the_json_says_the_same_and_how_many() -> None:
    found = told(ENTRIES, plan(), "mL", recorded=False)
    assert found["counts"] == {"done": 2, "refused": 1, "failed": 0}
    assert found["recorded"] is False
    assert found["notice"] == "UNRECORDED, not for clinical use"
    assert found["volumes"][0]["values"] == {"brain": 1234.5678}
    json.dumps(found)
