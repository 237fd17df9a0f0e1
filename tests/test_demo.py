"""`bedside demo` as a person meets it: a process, a port, a site; then the same command again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bedside.cli import demo_site
from bedside.cli.demo_server import Client, serving
from bedside.cli.demo_story import Story
from bedside.errors import Unavailable
from bedside.site.site import Site

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]

BEDSIDE = (sys.executable, "-P", "-m", "bedside")


def demo(site: Path, port: int, *words: str, once: bool = True) -> subprocess.CompletedProcess[str]:
    given = (
        "demo",
        "--site",
        str(site),
        "--port",
        str(port),
        *words,
        *(["--once"] if once else []),
    )
    return subprocess.run(
        (*BEDSIDE, *given), capture_output=True, text=True, timeout=200, check=False
    )


def told(site: Path, port: int) -> dict[str, Any]:
    run = demo(site, port, "--json")
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def events(site: Path) -> list[dict[str, Any]]:
    with Site.open(site) as opened:
        return [entry.value for entry in opened.ledger.entries()]


def status(port: int, secret: str) -> int:
    return Client(port, secret).get("/v1/models")[0]


@contextmanager
def serving_demo(site: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A demo that has told its story and goes on serving."""
    given = ("demo", "--site", str(site), "--port", str(port), "--json")
    with subprocess.Popen(
        (*BEDSIDE, *given), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            while not lines or lines[-1] != "}\n":
                lines.append(process.stdout.readline())
                assert lines[-1], "it ended before its story was told"
            yield process, json.loads("".join(lines))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_it_goes_the_whole_way_and_a_second_run_goes_on(tmp_path: Path, free_port: int) -> None:
    site = tmp_path / "site"
    first = told(site, free_port)
    assert first["found_earlier_run"] is False
    assert first["predictions"]["sent"] > 100
    assert first["predictions"]["malignant_found"] > 30
    assert {one["code"] for one in first["refused"]} == {"out-of-range", "unknown-field"}
    kinds = [event["kind"] for event in events(site)]
    assert kinds.count("approval") == 2
    assert kinds.count("release") == 1
    explained = 1  # one patient's answer is asked for again, with its reasons
    assert kinds.count("prediction") == first["predictions"]["sent"] + explained
    assert kinds.count("refusal") == 1
    assert kinds.count("decision") == 1
    _no_secret_lies_about(site, first["api_key"])

    run = demo(site, free_port)
    assert run.returncode == 0, run.stderr
    assert "Found the site of an earlier run" in run.stdout
    assert "the key of an earlier run was taken back" in run.stdout
    assert "trains" not in run.stdout
    assert "malignant" in run.stdout
    assert first["api_key"] not in run.stdout
    again = [event["kind"] for event in events(site)]
    assert again.count("release") == 1
    assert again.count("package-added") == 1
    assert again.count("prediction") == 2 * (first["predictions"]["sent"] + explained)
    assert "Without --once the service goes on." in run.stdout


def _no_secret_lies_about(site: Path, secret: str) -> None:
    files = [path for path in site.rglob("*") if path.is_file()]
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    keys = [path for path in files if path.suffix in {".key", ".pem"}]
    assert {path.name for path in keys} >= {"administrator.key", "author.pem", "ledger.key"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)


@pytest.mark.slow
def test_it_says_what_to_open_and_ctrl_c_of_a_terminal_stops_the_whole_group(
    tmp_path: Path, free_port: int
) -> None:
    site = tmp_path / "site"
    command = (*BEDSIDE, "demo", "--site", str(site), "--port", str(free_port))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "goes on until Ctrl-C" in line:
                break
        time.sleep(0.5)  # a person needs longer to press two keys
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
    text = "".join(lines)
    for shown in (f"http://127.0.0.1:{free_port}/docs", "/healthz", "/metrics", "curl ", "bds_"):
        assert shown in text
    with Site.open(site) as opened:
        assert opened.ledger.verify().entries > 100


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing_behind(
    tmp_path: Path, free_port: int, number: signal.Signals
) -> None:
    with serving_demo(tmp_path / "site", free_port) as (process, story):
        assert status(free_port, story["api_key"]) == 200
        assert status(free_port, "bds_" + "A" * 43) == 401
        process.send_signal(number)
        assert process.wait(60) == (0 if number == signal.SIGINT else 128 + number)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port)) != 0
    with Site.open(tmp_path / "site") as site:
        site.ledger.verify()


@pytest.mark.slow
def test_a_run_that_was_interrupted_is_finished_by_the_next(tmp_path: Path, free_port: int) -> None:
    site = tmp_path / "site"
    demo_site.make(site, Story(None))  # the end of the laboratory's part, before any registration
    with Site.open(site) as opened:
        assert opened.registry.versions() == ()
    assert told(site, free_port)["predictions"]["sent"] > 100


def test_a_service_that_ends_by_itself_ends_the_demo_with_its_log(
    tmp_path: Path, free_port: int
) -> None:
    with (
        pytest.raises(Unavailable, match=r"(?s)The service ended with 1.*There is no site in"),
        serving(tmp_path / "nowhere", free_port, tmp_path / "service.log"),
    ):
        pass


def test_a_taken_port_is_told_before_anything_is_done(tmp_path: Path, free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        run = demo(tmp_path / "site", free_port)
    assert run.returncode == 1
    assert f"Port {free_port} on 127.0.0.1 is not to be had" in run.stderr
    assert f"--port {free_port + 1}" in run.stderr
    assert not (tmp_path / "site").exists()


def test_a_folder_that_cannot_be_made_is_told_before_the_work_begins(
    tmp_path: Path, free_port: int
) -> None:
    (tmp_path / "file").touch()
    run = demo(tmp_path / "file" / "site", free_port)
    assert run.returncode == 1
    assert "is not a folder that you may write to" in run.stderr
    assert "trains" not in run.stdout


def test_a_site_that_is_no_demo_is_left_alone(tmp_path: Path, free_port: int) -> None:
    site, _ = Site.create(tmp_path / "site", "A real ward", "Administrator")
    site.close()
    before = events(tmp_path / "site")
    run = demo(tmp_path / "site", free_port)
    assert run.returncode == 1
    assert "is a site that `bedside demo` did not make" in run.stderr
    assert "--site" in run.stderr
    assert events(tmp_path / "site") == before


def test_without_the_laboratory_the_extra_is_named(tmp_path: Path, free_port: int) -> None:
    program = (
        "import sys, importlib.metadata as found\n"
        "real = found.version\n"
        "def version(name):\n"
        "    if name == 'scikit-learn':\n"
        "        raise found.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "found.version = version\n"
        "from bedside.__main__ import main\n"
        f"main(['demo', '--once', '--site', {str(tmp_path / 'site')!r}, '--port', '{free_port}'])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert "bedside[lab]" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "site").exists()
