"""A hospital that analyses volumes of drawn heads, for tests of every door."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bedside.clock import Clock, system_clock
from bedside.jobs.job import Job
from bedside.site.settings import SETTINGS_FILE
from bedside.site.site import Site
from tests import bedside_site, postgres, site_copies
from tests.bedside_site import Hospital
from tests.conftest import SettableClock
from tests.site_copies import Original
from tests.volume_packages import TWO_WHOLE, Made, volume_package

HEADS = TWO_WHOLE.name
REF = f"{HEADS}@{TWO_WHOLE.version}"
QUICKLY = '\n[jobs]\npriority = "normal"\nidle_seconds = 20\nlease_seconds = 5\n'


def hospital_of_heads(folder: Path, clock: Clock = system_clock, jobs: str = QUICKLY) -> Hospital:
    """A hospital in which the package of drawn heads is released, with jobs set as a test needs."""
    built = bedside_site.build(folder, clock)
    built.site.close()
    with (folder / SETTINGS_FILE).open("a") as settings:
        settings.write(jobs)
    opened = replace(built, site=Site.open(folder, clock))
    release_heads(opened)
    return opened


def original_of_heads(folder: Path, server: postgres.Server | None = None) -> Original:
    """The same hospital, closed, to be copied for each test."""

    def filled(built: Hospital) -> Hospital:
        built.site.close()
        with (built.site.folder / SETTINGS_FILE).open("a") as settings:
            settings.write(QUICKLY)
        opened = replace(built, site=Site.open(built.site.folder, clock))
        release_heads(opened)
        return opened

    clock = SettableClock()
    return site_copies.original(folder, filled, server, clock)


def release_heads(hospital: Hospital, made: Made = TWO_WHOLE) -> str:
    """Bring a package for volumes to release; return its `name@version`."""
    registry, people = hospital.site.registry, hospital.people
    record = registry.add(people["developer"].caller, volume_package(hospital.key, made))
    registry.verify(people["developer"].caller, record.ref)
    hospital.approve(record.ref)
    registry.release(people["operator"].caller, record.ref, "it is needed")
    return record.ref


def finished(site: Site, job_id: str, seconds: float = 90.0) -> Job:
    """Return a job once it is over."""
    end = time.monotonic() + seconds

    def still(_job: Job) -> None:
        assert time.monotonic() < end, site.analysing._stores.jobs.get(job_id)

    return site.analysing.wait(job_id, still)


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to come true."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come true"
        pause.wait(0.02)
