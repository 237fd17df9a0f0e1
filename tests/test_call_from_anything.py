"""The commands of docs/how-to/call-from-anything.md, run as they stand against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests import bedside_site
from tests.api.running import Running, running
from tests.bedside_site import MODEL, Hospital

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "call-from-anything.md"

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]


def block(language: str) -> str:
    """Return the only block of the page in this language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert len(found) == 1, f"{len(found)} blocks of {language}"
    return str(found[0])


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        built = bedside_site.build(tmp_path_factory.mktemp("call") / "site")
        built.release()
        built.site.close()
    return built


@pytest.fixture
def server(hospital: Hospital) -> Iterator[Running]:
    with running(hospital.site.folder) as started:
        yield started


def run(command: list[str], server: Running, hospital: Hospital, folder: Path) -> str:
    """Run a command with the settings that the page asks for, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "BEDSIDE_URL": server.url,
            "BEDSIDE_API_KEY": hospital["clinician"].secret,
            "MODEL": MODEL,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def decided(hospital: Hospital) -> int:
    with Site.open(hospital.site.folder) as site:
        return len(site.ledger.find(kind=EventKind.DECISION))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl missing: apt-get install curl")
def test_the_curl_commands_work(server: Running, hospital: Hospital, tmp_path: Path) -> None:
    before = decided(hospital)
    told = run(["sh", "-euc", block("sh")], server, hospital, tmp_path)
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["label"] in answer["scores"]
    assert json.loads((tmp_path / "decision.json").read_text())["prediction"] == answer["id"]
    assert f"Prediction {answer['id']}" in told
    assert (tmp_path / "key.header").stat().st_mode & 0o077 == 0
    assert decided(hospital) == before + 1


def test_the_python_works(server: Running, hospital: Hospital, tmp_path: Path) -> None:
    told = run([sys.executable, "-W", "error", "-c", block("python")], server, hospital, tmp_path)
    assert told.splitlines()[-1] == "the tests"


@pytest.mark.skipif(shutil.which("javac") is None, reason="a Java compiler is missing")
def test_the_java_works(server: Running, hospital: Hospital, tmp_path: Path) -> None:
    (tmp_path / "Call.java").write_text(block("java"), encoding="utf-8")
    told = run(["java", "Call.java"], server, hospital, tmp_path)
    assert json.loads(told.splitlines()[0])["model"] == MODEL
    assert int(told.splitlines()[1]) > 1000


def test_every_member_that_the_page_explains_is_in_the_answer(
    server: Running, hospital: Hospital, tmp_path: Path
) -> None:
    table = PAGE.read_text("utf-8").split("## What comes back")[1].split("##")[0].split("Send")[0]
    explained = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row[:24])}
    code = block("python").split("print(")[0] + "print(json.dumps(answer))"
    answer = json.loads(run([sys.executable, "-c", code], server, hospital, tmp_path))
    assert explained == set(answer) - {"model", "version", "package"}
