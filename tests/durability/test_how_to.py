"""The commands of docs/how-to/run-in-production.md, run as they stand."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bedside.api import server, workers
from bedside.registry import lookup
from bedside.serving import ahead, outcomes
from bedside.site.settings import Limits
from bedside.store import condition, postgresql
from tests import bedside_site
from tests.bedside_site import MODEL, Hospital
from tests.durability.service import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "run-in-production.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    """One version released, the page's other version approved, and an operator's key in files."""
    built = bedside_site.build(tmp_path / "site")
    built.release()
    built.approve(built.add(version="2.0.0"))
    built.site.close()
    secret = built["operator"].secret
    for name, text in (
        ("operator.key", secret),
        ("operator.header", f"authorization: Bearer {secret}"),
    ):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o600)
    return built


@pytest.mark.enable_socket
@pytest.mark.loopback
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl missing: apt-get install curl")
def test_the_commands_work(hospital: Hospital, tmp_path: Path) -> None:
    start, stop, watch, release = blocks("sh")
    program = tmp_path / "bin" / "bedside"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m bedside "$@"\n')
    program.chmod(0o700)
    done = subprocess.run(
        ["sh", "-euc", start + watch + release + stop],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "SITE": str(hospital.site.folder),
            "PORT": str(free_port()),
            "MODEL": MODEL,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bedside_can_record 1.0" in done.stdout
    assert f"{MODEL}@2.0.0 answers since" in done.stdout
    assert f"{MODEL}@1.2.3 answers since" in done.stdout
    assert re.search(rf"{MODEL} +│? *1\.2\.3", done.stdout), done.stdout
    assert '"message": "stopped"' in done.stderr.splitlines()[-1]


def test_the_unit_can_be_read_and_starts_what_there_is(tmp_path: Path) -> None:
    (text,) = blocks("ini")
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    words = unit["Service"]["ExecStart"].split()
    assert words[:2] == ["/opt/bedside/bin/bedside", "serve"]
    shown = subprocess.run(
        [sys.executable, "-m", "bedside", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    ).stdout
    for option in words[2:]:
        if option.startswith("--"):
            assert option in shown
    if shutil.which("systemd-analyze") is None:
        return
    path = tmp_path / "bedside.service"
    path.write_text(text.replace("/opt/bedside/bin/bedside", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert "bedside.service" not in done.stderr, done.stderr


def test_every_figure_on_the_page_is_the_programs() -> None:
    text = " ".join(PAGE.read_text("utf-8").split())
    for said in (
        f"up to {workers.LONGEST_WAIT_SECONDS:.0f} seconds",
        f"if it had answered for {workers.STEADY_SECONDS:.0f} seconds",
        f"`limits.shutdown_seconds` ({Limits().shutdown_seconds})",
        f"less than {server.KEEP_ALIVE_SECONDS} seconds",
        f"up to {ahead.MOST}, and {ahead.MOST_BYTES // 2**20} MiB of networks",
        f"after {outcomes.RECORD_SECONDS:.0f} seconds 503",
        f"`/readyz` 503 after {condition.SLOW_SECONDS:.0f} seconds",
        f"once {condition.ROOM_BYTES // 2**20} MiB is free",
        f"after {postgresql.PATIENCE['tcp_user_timeout'] // 1000} to 25 seconds",
    ):
        assert said in text, said
    assert workers.FIRST_WAIT_SECONDS == 0.5
    assert lookup.RECENT.total_seconds() == 120
    known = postgresql.PATIENCE
    idle, interval = known["keepalives_idle"], known["keepalives_interval"]
    assert idle + interval * known["keepalives_count"] == 25
