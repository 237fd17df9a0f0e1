"""An answer leaves only after its event is on the disk: proved by the order of system calls.

`kill -9` proves nothing about a power cut, because the operating system's cache survives it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests import bedside_site
from tests.bedside_site import MODEL, ROW, Hospital
from tests.durability.calls import STRACE, AnsweredTooEarly, Call, judge, read_trace
from tests.durability.service import serving

LEDGER = "bedside.db-wal"
KEYS = "subjects.db-wal"
ROOT = Path(__file__).resolve().parents[2]

CARELESS = """
import sys
from bedside.__main__ import main
from bedside.store import sqlite

careful = sqlite.prepare

def careless(connection, **more):
    careful(connection, **more)
    connection.execute("PRAGMA synchronous=OFF")

sqlite.prepare = careless
main(sys.argv[1:])
"""


@cache
def missing() -> str:
    """Why nothing can be traced here, or an empty string."""
    if shutil.which("strace") is None:
        return "strace missing: apt-get install strace"
    tried = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else f"ptrace is not allowed here: {tried.stderr.decode()}"


traceable = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    """A hospital whose site is closed here, to be served by another process."""
    built = bedside_site.build(tmp_path / "site")
    built.release()
    built.site.close()
    return built


def asked(hospital: Hospital, trace: Path, workers: int) -> dict[str, str]:
    """Serve under strace, and return what was answered: text of the answer → text on the disk."""
    told: dict[str, str] = {}
    before = (*STRACE, "-o", str(trace))
    with (
        serving(hospital.site.folder, workers=workers, before=before) as service,
        service.client(hospital["clinician"].headers) as client,
    ):
        for number in range(4):
            body: dict[str, Json] = {"input": ROW}
            if number % 2:
                body["subject"] = f"patient-{number}"
            answer = client.ask("POST", f"/v1/models/{MODEL}/predict", body)
            assert answer.status == 200, answer
            told[answer.body["id"]] = answer.body["id"]
            decided = client.decide(answer.body["id"])
            assert decided.status == 201, decided
            told[decided.body["recorded"]["at"]] = decided.body["recorded"]["at"]
        many = client.ask("POST", f"/v1/models/{MODEL}/predict", {"inputs": [{"input": ROW}] * 5})
        for one in many.body["predictions"]:
            told[one["id"]] = one["id"]
        assert client.predict({"radius": "far away"}).status == 422
    return told


@traceable
@pytest.mark.enable_socket
@pytest.mark.loopback
@pytest.mark.parametrize("workers", [1, 2])
def test_every_answer_leaves_after_its_event_and_its_key_are_on_the_disk(
    hospital: Hospital, tmp_path: Path, workers: int
) -> None:
    trace = tmp_path / "trace"
    told = asked(hospital, trace, workers)
    calls = read_trace(trace.read_text(errors="replace").splitlines())
    assert len(told) == 4 + 4 + 5
    for answer, on_disk in told.items():
        judge(calls, answer, on_disk, LEDGER)
    with Site.open(hospital.site.folder) as site:
        predictions = site.ledger.find(kind=EventKind.PREDICTION)
        (refusal,) = site.ledger.find(kind=EventKind.REFUSAL)
    assert len(predictions) == 9
    for one in predictions:
        judge(calls, one.about, one.value["sealed"]["key"], KEYS)
    judge(calls, "input-refused", refusal.id, LEDGER)


@traceable
@pytest.mark.enable_socket
@pytest.mark.loopback
def test_a_service_that_does_not_wait_for_its_disk_is_found(
    hospital: Hospital, tmp_path: Path
) -> None:
    """The same service with `synchronous=OFF`, told apart by the same judge."""
    trace = tmp_path / "trace"
    before = (*STRACE, "-o", str(trace), sys.executable, "-c", CARELESS)
    with (
        serving(hospital.site.folder, instead=before) as service,
        service.client(hospital["clinician"].headers) as client,
    ):
        answer = client.predict()
    assert answer.status == 200
    calls = read_trace(trace.read_text(errors="replace").splitlines())
    with pytest.raises(AnsweredTooEarly, match="never synced"):
        judge(calls, answer.body["id"], answer.body["id"], LEDGER)


WAL = "7</site/bedside.db-wal>"
PEER = "9<TCP:[127.0.0.1:80->127.0.0.1:4000]>"
ASK = f'10 read({PEER}, "POST /v1/models/x/predict HTTP/1.1", 256000) = 34'
ASK_BEGUN = f"10 read({PEER},  <unfinished ...>"
ASK_ENDED = '10 <... read resumed>"POST /v1/models/x/predict HTTP/1.1", 256000) = 34'
WRITE = f'11 pwrite64({WAL}, "... event-1 ...", 4096, 32) = 4096'
SYNC = f"11 fdatasync({WAL}) = 0"
HEAD = f'10 write({PEER}, "HTTP/1.1 200 OK\\r\\n\\r\\n", 19) = 19'
BODY = f'10 write({PEER}, "{{\\"id\\":\\"answer-1\\"}}", 17) = 17'
SYNC_BEGUN = f"11 fdatasync({WAL} <unfinished ...>"
SYNC_ENDED = "11 <... fdatasync resumed>) = 0"


def judged(*lines: str) -> list[Call]:
    calls = read_trace(lines)
    judge(calls, "answer-1", "event-1", LEDGER)
    return calls


def test_the_judge_accepts_the_right_order() -> None:
    assert len(judged(ASK, WRITE, SYNC, HEAD, BODY)) == 5
    assert len(judged(ASK, WRITE, SYNC_BEGUN, SYNC_ENDED, BODY)) == 4
    assert len(judged(ASK, HEAD, ASK_BEGUN, ASK_ENDED, WRITE, SYNC, BODY)) == 6


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((ASK, WRITE, HEAD, BODY, SYNC), "was synced at 4"),
        ((ASK, WRITE, HEAD, SYNC, BODY), "left at line 2"),
        ((ASK, SYNC, WRITE, HEAD, BODY), "never synced"),
        ((ASK, WRITE, HEAD, BODY), "never synced"),
        ((ASK, WRITE, SYNC_BEGUN, BODY, SYNC_ENDED), "left at line 3"),
        ((ASK, WRITE, SYNC_BEGUN, BODY), "never synced"),
        ((ASK, SYNC, HEAD, BODY), "never written"),
        ((ASK, WRITE, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), BODY), "never synced"),
        ((ASK, WRITE, SYNC.replace("bedside.db-wal", "subjects.db-wal"), BODY), "never synced"),
        ((ASK, WRITE.replace("= 4096", "= -1 ENOSPC (No space left)"), SYNC, BODY), "never synced"),
    ],
)
def test_the_judge_finds_an_answer_that_left_too_early(lines: tuple[str, ...], found: str) -> None:
    with pytest.raises(AnsweredTooEarly, match=found):
        judged(*lines)


def test_the_judge_refuses_a_trace_without_the_answer() -> None:
    with pytest.raises(AssertionError, match="No answer"):
        judged(ASK, WRITE, SYNC)
