from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bedside.errors import SiteProblem
from bedside.jobs.memory import machine_memory
from bedside.jobs.uploads import Room
from bedside.site.job_settings import JobSettings, job_lines
from bedside.site.settings import Settings, parse_settings, write_settings

SET = JobSettings(memory_bytes=2**30, priority="low", upload_hours=0.5, weights="/srv/weights")


def settings(jobs: JobSettings) -> Settings:
    created = "2026-11-21T08:00:00.000000Z"
    return Settings(
        id="01a1ffc9-8122-767c-93d3-f62fe7f82b32", name="Ward 7", created=created, jobs=jobs
    )


@pytest.mark.parametrize("jobs", [JobSettings(), SET], ids=["usual", "set"])
def test_what_is_set_about_jobs_is_written_and_read_again(jobs: JobSettings) -> None:
    assert parse_settings(write_settings(settings(jobs)), "site.toml").jobs == jobs


def test_what_is_as_usual_is_not_written() -> None:
    assert job_lines(JobSettings()) == []
    assert "[jobs]" not in write_settings(settings(JobSettings()))


def test_settings_become_bounds_terms_and_times() -> None:
    assert SET.bounds.memory == 2**30
    assert SET.bounds.priority == "low"
    assert SET.times.upload == timedelta(minutes=30)
    assert SET.terms.lease == timedelta(seconds=30)
    assert SET.engines.weights == Path("/srv/weights")
    assert 0 < JobSettings().bounds.memory <= machine_memory()


def test_one_person_has_half_of_the_room_unless_it_is_said() -> None:
    assert JobSettings(uploads_bytes=4096).room == Room(4096, 2048)
    assert JobSettings(uploads_bytes=4096, uploads_bytes_of_one=9999).room == Room(4096, 4096)


@pytest.mark.parametrize(
    "line", ['priority = "highest"', "at_once = 0", 'weights = "here"', "colour = 1"]
)
def test_what_cannot_be_set_is_refused(line: str) -> None:
    text = write_settings(settings(JobSettings())) + f"\n[jobs]\n{line}\n"
    with pytest.raises(SiteProblem, match=line.split(" ", 1)[0]):
        parse_settings(text, "site.toml")


@pytest.mark.parametrize(("told", "least"), [("1048576\n", True), ("max\n", False)])
def test_a_container_has_as_much_memory_as_it_was_given(
    tmp_path: Path, told: str, *, least: bool
) -> None:
    (tmp_path / "memory.max").write_text(told)
    found = machine_memory(tmp_path / "memory.max")
    assert (found == 1048576) is least
    assert machine_memory(tmp_path / "nothing") >= found
