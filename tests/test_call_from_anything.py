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
from tests.package.building_images import BRIGHT, dicom, film
from tests.serving.films import FILMS, release_films

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "call-from-anything.md"

PICTURE = "A picture"
SENTENCE = "opacity: 98 %, above the threshold of 62 %"

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]


def block(language: str, section: str = "") -> str:
    """Return the only block in this language in a section of the page, or before all about pictures."""
    text = PAGE.read_text("utf-8")
    before, picture = text.split(f"\n## {PICTURE}\n")
    part = picture.split("\n## ")[0] if section == PICTURE else before
    found = re.findall(rf"^```{language}\n(.*?)^```$", part, re.M | re.S)
    assert len(found) == 1, f"{len(found)} blocks of {language}"
    return str(found[0])


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        built = bedside_site.build(tmp_path_factory.mktemp("call") / "site")
        built.release()
        release_films(built)
        built.site.close()
    return built


@pytest.fixture
def server(hospital: Hospital) -> Iterator[Running]:
    with running(hospital.site.folder) as started:
        yield started


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with the two films that the page speaks of."""
    (tmp_path / "film.png").write_bytes(BRIGHT)
    (tmp_path / "film.dcm").write_bytes(dicom(film(170.0)))
    return tmp_path


def run(
    command: list[str], server: Running, hospital: Hospital, folder: Path, model: str = MODEL
) -> str:
    """Run a command with the settings that the page asks for, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "BEDSIDE_URL": server.url,
            "BEDSIDE_API_KEY": hospital["clinician"].secret,
            "MODEL": model,
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


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl missing: apt-get install curl")
def test_a_picture_goes_by_curl_in_three_forms(
    server: Running, hospital: Hospital, films: Path
) -> None:
    run(["sh", "-euc", block("sh", PICTURE)], server, hospital, films, FILMS)
    names = ("answer.json", "from-json.json", "explained.json")
    answers = [json.loads((films / name).read_text()) for name in names]
    assert {one["told"]["en"] for one in answers} == {SENTENCE}
    assert (films / "heat.png").read_bytes().startswith(b"\x89PNG")
    assert (films / "key.header").stat().st_mode & 0o077 == 0


def test_a_picture_goes_by_python(server: Running, hospital: Hospital, films: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", block("python", PICTURE)]
    told = run(command, server, hospital, films, FILMS)
    assert told.splitlines() == [SENTENCE]
    assert (films / "heat.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(shutil.which("javac") is None, reason="a Java compiler is missing")
def test_a_picture_goes_by_java(server: Running, hospital: Hospital, films: Path) -> None:
    (films / "Film.java").write_text(block("java", PICTURE), encoding="utf-8")
    told = run(["java", "Film.java", "film.dcm"], server, hospital, films, FILMS)
    assert json.loads(told)["told"]["en"] == SENTENCE


def test_every_member_of_an_answer_about_a_picture_is_explained(
    server: Running, hospital: Hospital, films: Path
) -> None:
    table = (
        PAGE.read_text("utf-8").split("The answer has these members more:")[1].split("A refusal")[0]
    )
    explained = {name for row in table.splitlines() for name in re.findall(r"^\| `(\w+)`", row)}
    code = block("python", PICTURE).split("for flag")[0] + "print(json.dumps(answer))"
    told = json.loads(run([sys.executable, "-c", code], server, hospital, films, FILMS))
    plain = json.loads(
        run(
            [
                sys.executable,
                "-c",
                block("python").split("print(")[0] + "print(json.dumps(answer))",
            ],
            server,
            hospital,
            films,
        )
    )
    assert explained == set(told) - set(plain)


def test_what_is_sent_again_is_answered_once(
    server: Running, hospital: Hospital, tmp_path: Path
) -> None:
    section = PAGE.read_text("utf-8").split("\n## Send it again\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"^```python\n(.*?)^```$", section, re.M | re.S)
    printed = run([sys.executable, "-c", code], server, hospital, tmp_path)
    assert "'verdict': 'agree'" in printed


def test_every_member_that_the_page_explains_is_in_the_answer(
    server: Running, hospital: Hospital, tmp_path: Path
) -> None:
    table = PAGE.read_text("utf-8").split("## What comes back")[1].split("##")[0].split("Send")[0]
    explained = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row[:24])}
    code = block("python").split("print(")[0] + "print(json.dumps(answer))"
    answer = json.loads(run([sys.executable, "-c", code], server, hospital, tmp_path))
    assert explained == set(answer) - {"model", "version", "package"}
