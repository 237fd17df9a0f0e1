"""The README's commands do what it says, from a fresh copy, in a fresh environment, in both languages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def fresh_copy(folder: Path) -> Path:
    """Copy what git knows or would take, as a clone would have it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def clean_environment() -> dict[str, str]:
    keep = {"PATH", "HOME", "LANG", "TMPDIR", "PIP_CONFIG_FILE", "SSL_CERT_FILE"}
    proxies = {name for name in os.environ if name.upper().startswith(("PIP_", "HTTP", "NO_PROXY"))}
    found = {name: value for name, value in os.environ.items() if name in keep | proxies}
    return (
        found
        | {
            "OMP_WAIT_POLICY": "passive",  # the other core is another test's
            "PIP_NO_COMPILE": "no",  # pip's word for yes here: most of what it would compile is never run
        }
    )


@pytest.mark.slow
@pytest.mark.loopback
@pytest.mark.enable_socket
@pytest.mark.timeout(900)
def test_the_first_command_runs_the_demo_from_a_fresh_copy(tmp_path: Path, free_port: int) -> None:
    copy = fresh_copy(tmp_path / "bedside")
    [demo, test] = [block.strip() for block in blocks("README.md", "sh")]
    assert (demo, test) == ("make demo", "make test")
    site = tmp_path / "site"
    run = subprocess.run(
        ["sh", "-ec", f'{demo} DEMO="--once --site {site} --port {free_port}"'],
        cwd=copy,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert "malignant" in run.stdout
    assert "Traceback" not in run.stderr
    verified = subprocess.run(
        [copy / ".venv/bin/bedside", "ledger", "verify", "--site", site],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr


def test_the_second_command_is_what_ci_runs() -> None:
    plan = subprocess.run(
        ["make", "-n", "test"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "pytest" in plan
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_both_languages_show_the_same_commands() -> None:
    assert blocks("README.md", "sh") == blocks("README.ja.md", "sh")
    assert blocks("README.md", "python") == blocks("README.ja.md", "python")


def test_every_page_that_the_readme_points_to_exists() -> None:
    for page in ("README.md", "README.ja.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
        for link in links:
            assert (ROOT / link).exists(), f"{page} points to {link}"
