"""A process is killed at every point of a job's way: nothing is lost, and there is one result."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.jobs.errand import POINTS
from bedside.jobs.job import State
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from tests.jobs.toy import SECRET, Toys

ROOT = Path(__file__).resolve().parents[2]
AHEAD_SECONDS = 40.0
BEFORE_IT_IS_A_JOB = ("uploading", "uploaded")


class Zygote:
    """Starts processes quickly; each is the same as a new one, but for the time of the imports."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.killed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "BEDSIDE_ALLOW_TMPFS": "1"},
            text=True,
        )

    def ended(self, asked: dict[str, object]) -> int:
        """Return how a process ended that did what was asked, as `waitpid` tells it.

        Its clock is ahead of the last one's: whatever that one held is free.
        """
        self._ahead += AHEAD_SECONDS
        asked = asked | {"ahead": self._ahead}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = Zygote()
    yield started
    started.close()


@pytest.mark.slow
def test_a_job_survives_a_death_at_every_point_of_its_way(
    toys: Toys,
    zygote: Zygote,
    database_url: str,
    keys_url: str,
    tmp_path: Path,
    site_key: SiteKey,
    signer: SigningKey,
) -> None:
    signer.save(tmp_path / "signer")
    asked: dict[str, object] = {
        "database": database_url,
        "keys": keys_url,
        "site_key": base64.b64encode(site_key._secret).decode(),
        "signer": str(tmp_path / "signer"),
        "folder": str(tmp_path),
    }
    for point in POINTS:
        told = asked | {"point": point, "add": True, "claim": point}
        assert zygote.ended(told) == signal.SIGKILL, point
        job = toys.jobs.claimed(point)
        if point in BEFORE_IT_IS_A_JOB:
            assert job is None  # nobody was told that it was there
            assert zygote.ended(told | {"point": ""}) == 0  # so it is sent again
        else:
            assert job is not None, point  # whoever added it could be told so
            assert zygote.ended(asked | {"point": "", "add": False}) == 0
        found = toys.jobs.claimed(point)
        assert found is not None
        assert found.state is State.DONE, (point, found)
        assert toys.events(found) == 1, point
        assert toys.results(found) == {"one.out": SECRET[::-1]}
    toys.ledger.verify()
    known = {row for row in toys.files.names() if row.startswith("results/")}
    assert len(known) == len(POINTS)  # of attempts that died nothing stays
