"""`kill -9` under load, again and again: what a client heard stands, and nothing is half-written.

What it does not prove, since the operating system's cache survives a process, is proved by
`test_order_of_calls.py`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from bedside.site.site import Site
from tests.bedside_site import Hospital
from tests.durability.load import Load, check_record
from tests.durability.service import free_port, serving, wait_until
from tests.durability.zygote import Zygote

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback, pytest.mark.slow]

KILLS = 100
KILLS_ON_POSTGRESQL = 15
LONGEST_LIFE_SECONDS = 0.15
"""From a life's first answer to its end; each is drawn evenly from below it."""


def lives(hospital: Hospital, kills: int, seed: int, log: Path) -> Load:
    """Let a service be killed `kills` times at random moments while clients ask; return what they heard."""
    chance = random.Random(seed)  # noqa: S311 - drawn again from its seed
    port = free_port()
    with Zygote() as zygote, Load([port], hospital["clinician"].headers, seed=seed) as load:
        for life in range(kills):
            pid = zygote.start(hospital.site.folder, port, log)
            before = len(load.predictions)
            wait_until(lambda known=before: len(load.predictions) > known, pause=0.001)
            time.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
            os.kill(pid, signal.SIGKILL)
            status = zygote.bury(pid)
            assert os.WIFSIGNALED(status), f"life {life}: {status}, {log.read_text()[-2000:]}"
    return load


def test_a_hundred_deaths_lose_nothing_that_a_client_heard(
    hospital: Hospital, tmp_path: Path
) -> None:
    seed = int(time.time())
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    load = lives(hospital, KILLS, seed, tmp_path / "log")
    with Site.open(hospital.site.folder) as site:
        recorded = check_record(site, load)
    assert len(load.predictions) >= KILLS
    assert len(load.decisions) > 0
    assert load.lost >= KILLS  # each death cut somebody off
    assert recorded > len(load.predictions)  # some were recorded, and the answer was cut off
    assert [one for one in load.refused if one.status != 503] == []


def test_the_same_on_postgresql(postgres_hospital: Hospital, tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    load = lives(postgres_hospital, KILLS_ON_POSTGRESQL, seed, tmp_path / "log")
    with Site.open(postgres_hospital.site.folder) as site:
        check_record(site, load)
    assert len(load.predictions) >= KILLS_ON_POSTGRESQL
    assert [one for one in load.refused if one.status != 503] == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_workers_that_are_killed_lose_nothing(
    database: str, request: pytest.FixtureRequest
) -> None:
    """First one worker, then the other, then the parent and all at once."""
    name = "hospital" if database == "sqlite" else "postgres_hospital"
    hospital: Hospital = request.getfixturevalue(name)
    with serving(hospital.site.folder, workers=2) as service:
        wait_until(lambda: len(service.workers()) == 2)
        with Load([service.port], hospital["clinician"].headers, seed=3) as load:
            for number in (1, 2):
                before = len(load.predictions)
                wait_until(lambda known=before: len(load.predictions) > known + 9)
                known = service.workers()
                os.kill(known[number], signal.SIGKILL)
                wait_until(lambda n=number, k=known: service.workers()[n] != k[n])
            for pid in (service.process.pid, *service.workers().values()):
                os.kill(pid, signal.SIGKILL)
            service.process.wait()
            wait_until(lambda: load.lost > 10)
    with Site.open(hospital.site.folder) as site:
        check_record(site, load)
    assert load.refused == []
