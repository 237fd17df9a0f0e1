"""`bedside jobs list`, `show` and `cancel`, as people type them."""

from __future__ import annotations

import json

from bedside.jobs.job import Job, State
from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests.cli.conftest import Cli, Ward

FIRST = "01a1ffc9-8122-767c-93d3-f62fe7f82b31"
SECOND = "01a1ffc9-8122-767c-93d3-f62fe7f82b32"


def waits(ward: Ward, job_id: str, person: str, state: State = State.WAITING) -> None:
    """Put a job into the table, as an analysis leaves it that was asked for through a service."""
    with Site.open(ward.site) as site:
        found = site.people.sign_in((ward.keys / f"{person}.key").read_text().strip(), "cli")
        job = Job(
            job_id, "whole-brain", "whole-brain", found.person.id, "key", "upload",
            "2026-11-21T08:00:00.000000Z", b"sealed", 3 * 10**9, state=state, stage="infer",
            done=2, total=8,
        )  # fmt: skip
        jobs = site.analysing._stores.jobs
        with site.database.write() as connection:
            jobs.add(connection, job)


def test_an_operator_sees_everybodys_and_a_clinician_their_own(cli: Cli, ward: Ward) -> None:
    out = ward.keys / "other.key"
    cli.done("people", "add", "other", "--role", "clinician", "--key-out", out, *ward.as_("admin"))
    waits(ward, FIRST, "clinician")
    waits(ward, SECOND, "other", State.RUNNING)
    everybodys = cli.json("jobs", "list", *ward.as_("operator"))
    assert [one["id"] for one in everybodys] == [SECOND, FIRST]
    own = cli.json("jobs", "list", *ward.as_("clinician"))
    assert [one["id"] for one in own] == [FIRST]
    shown = cli.done("jobs", "list", "--state", "running", *ward.as_("operator"))
    assert SECOND in shown
    assert "infer 2 of 8" in shown
    assert FIRST not in shown
    assert "may not predict" in cli.refused("jobs", "list", *ward.as_("auditor"))


def test_one_is_shown_with_what_it_takes_and_to_nobody_else(cli: Cli, ward: Ward) -> None:
    waits(ward, FIRST, "clinician")
    shown = cli.done("jobs", "show", FIRST, *ward.as_("clinician"))
    assert "at most 3000 MB" in shown
    assert "clinician" in shown
    told = cli.json("jobs", "show", FIRST, *ward.as_("operator"))
    assert (told["model"], told["memory_bytes"]) == ("whole-brain", 3 * 10**9)
    assert "may not jobs-manage" in cli.refused("jobs", "show", FIRST, *ward.as_("auditor"))
    assert "no analysis" in cli.refused("jobs", "show", "no-id", *ward.as_("operator"))


def test_an_operator_cancels_somebody_elses_and_that_is_recorded(cli: Cli, ward: Ward) -> None:
    waits(ward, FIRST, "clinician")
    assert "may not jobs-manage" in cli.refused("jobs", "cancel", FIRST, *ward.as_("developer"))
    assert f"Cancelled {FIRST}." in cli.done("jobs", "cancel", FIRST, *ward.as_("operator"))
    assert cli.json("jobs", "cancel", FIRST, *ward.as_("operator"))["state"] == "cancelled"
    with Site.open(ward.site) as site:
        (event,) = site.ledger.find(kind=EventKind.ANALYSIS_ENDED)
        public = site.ledger.public_key.to_pem()
        operator = site.people.sign_in((ward.keys / "operator.key").read_text().strip(), "cli")
    assert event.value["about"] == FIRST
    assert event.value["actor"] == operator.person.id
    assert event.value["body"]["state"] == "cancelled"
    trace = cli.json("trace", FIRST, *ward.as_("auditor"))
    assert trace["prediction"]["event"]["body"]["model"] == "whole-brain"
    kept, key = ward.keys / "trace.json", ward.keys / "ledger.pub"
    kept.write_text(json.dumps(trace))
    key.write_text(public)
    assert "1 events stand" in cli.done("trace", kept, "--public-key", key)
    assert "cancelled" in cli.done("trace", FIRST, *ward.as_("auditor"))
    assert "no prediction or analysis" in cli.refused("trace", SECOND, *ward.as_("auditor"))
