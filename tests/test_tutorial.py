"""The tutorial does what it says, from top to bottom, and shows what it shows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
MARK = "=== block {} ==="


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks() -> list[Block]:
    page = PAGE.read_text(encoding="utf-8")
    page = page[page.index("## 1.") :]  # what is above is how to install
    return [Block(*found.groups()) for found in FENCE.finditer(page)]


def script(found: list[Block]) -> str:
    """One shell script: commands as they are, Python as the file that its first line names."""
    lines = ["set -eu"]
    for number, block in enumerate(found):
        if block.language == "sh":
            lines += [f"echo '{MARK.format(number)}'", block.text]
        if block.language == "python":
            named = re.match(r"# (\S+?\.py)(, continued)?\n", block.text)
            assert named, "a Python block says in its first line which file it is"
            into = ">>" if named[2] else ">"
            lines.append(f"cat {into} {named[1]} <<'PYTHON'\n{block.text}PYTHON")
    return "\n".join(lines)


def pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in line.split("…")))


@pytest.fixture
def environment(free_port: int) -> dict[str, str]:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        "PATH": programs,
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "PORT": str(free_port),
        "BEDSIDE_ALLOW_TMPFS": "1",
        "OMP_WAIT_POLICY": "passive",  # the other core is another test's
    }


def run_through(folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Exit code and output of the whole page; nothing that it started outlives this."""
    (folder / "tutorial.sh").write_text(script(blocks()), encoding="utf-8")
    with (folder / "output.txt").open("w+", encoding="utf-8") as sink:
        run = subprocess.Popen(
            ["bash", "tutorial.sh"],
            cwd=folder,
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = run.wait(timeout=240)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
    return code, (folder / "output.txt").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.loopback
@pytest.mark.enable_socket
def test_its_commands_run_from_top_to_bottom_and_show_what_it_says(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl missing: the tutorial asks the service with it")
    code, output = run_through(tmp_path, environment)
    assert code == 0, output[-4000:]
    found, number = blocks(), -1
    promised = 0
    for position, block in enumerate(found):
        if block.language == "sh":
            number = position
        if block.language != "text":
            continue
        shown = output.split(MARK.format(number))[1].split("=== block ")[0]
        place = 0
        for line in block.text.splitlines():
            match = pattern(line).search(shown, place)
            assert match, f"after block {number} the page promises {line!r}; there is:\n{shown}"
            place = match.end()
            promised += 1
    assert promised > 30


def test_it_ends_without_a_secret_that_others_can_read() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not re.search(r"bds_[A-Za-z0-9_-]{43}", page)
    for line in page.splitlines():
        assert "Bearer $(" not in line, "a key on a command line is in the process list"


def test_its_patterns_can_fail() -> None:
    assert pattern("✓ … entries").search("✓ 12 entries, none changed")
    assert not pattern("✓ … entries").search("✗ entry 3 is broken")
