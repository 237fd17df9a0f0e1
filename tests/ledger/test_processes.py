"""Several real processes append to one ledger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bedside.clock import system_clock
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.store.database import Database
from tests.conftest import SettableClock
from tests.ledger.drafts import EPOCH
from tests.ledger.writer import FENCED, TURNS

PROCESSES = 4
LIVES = 6
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def asked(
    database: Database,
    database_url: str,
    keys_url: str,
    site_key: SiteKey,
    signer: SigningKey,
    tmp_path: Path,
) -> str:
    """What each process needs to know."""
    signer.save(tmp_path / "signer.pem")
    return json.dumps(
        {
            "database": database_url,
            "keys": keys_url,
            "site_key": (tmp_path / "site-key" / "site.key").read_text().strip(),
            "signer": str(tmp_path / "signer.pem"),
        }
    )


def start(asked: str, module: str = "writer", *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", f"tests.ledger.{module}", asked, *more],
        cwd=ROOT,
        env={**os.environ, "BEDSIDE_ALLOW_TMPFS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_several_processes_leave_no_gap_and_no_fork(
    ledger: Ledger, subject_keys: SubjectKeys, clock: SettableClock, asked: str
) -> None:
    clock.now = system_clock()  # as the others have it
    writers = [start(asked) for _ in range(PROCESSES)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    while ledger.head().size < PROCESSES * TURNS:  # the fence moves while all are writing
        time.sleep(0.005)
    with ledger.database.write() as connection:
        ledger.advance_fence(connection, EPOCH)
        released = Draft(EventKind.RELEASE, "breast-cancer@2.0.0", "p", "cli")
        (release,) = ledger.append(connection, [released])
    said = [writer.communicate(timeout=120) for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * PROCESSES, [e for _, e in said]
    answers = [json.loads(out) for out, _ in said]
    made = sorted(index for answer in answers for index in answer["made"])
    moved = sum(answer["moved"] for answer in answers)
    assert 0 < moved < PROCESSES * TURNS  # some were stopped by the fence, and only those
    assert sorted([*made, release.index]) == list(range(PROCESSES * TURNS * 5 - moved + 1))
    verdict = ledger.verify()
    assert verdict.entries == len(made) + 1
    assert verdict.checkpoints > 0
    fenced = ledger.find(about=FENCED, limit=PROCESSES * TURNS)
    assert len(fenced) == PROCESSES * TURNS - moved
    assert all(entry.index < release.index for entry in fenced)
    keys = {entry.value["sealed"]["key"] for entry in ledger.entries() if entry.value["sealed"]}
    assert len(keys) == 5  # one key for each of five patients, whoever came first


@pytest.mark.parametrize("way", ["single", "group"])
def test_what_was_recorded_stands_after_the_process_is_killed(
    ledger: Ledger, asked: str, way: str
) -> None:
    said: dict[int, str] = {}
    for life in range(LIVES):
        writer = start(asked, "killed", way)
        assert writer.stdout is not None
        for _ in range(life % 4 + 1):
            index, event_id = writer.stdout.readline().split()
            said[int(index)] = event_id
        writer.send_signal(signal.SIGKILL)  # whatever it does just now
        for line in writer.communicate()[0].splitlines(keepends=True):
            if line.endswith("\n"):
                index, event_id = line.split()
                said[int(index)] = event_id
        assert writer.returncode == -signal.SIGKILL
    verdict = ledger.verify()
    assert verdict.signed == verdict.entries > LIVES
    for place, promised in said.items():
        entry = ledger.entry(place)
        assert entry.id == promised
        assert ledger.opened(entry) is not None  # and its key was durable before it
    assert ledger.checkpoint().size == verdict.entries
