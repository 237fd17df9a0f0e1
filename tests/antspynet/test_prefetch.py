"""Fetching beforehand: through the library's own functions, and what is said without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bedside.cli.app import create_app
from bedside.runtime.engines.antspynet.weights import RECORD

FILES = ("S_template3.nii.gz", "brainExtractionRobustT1.h5")
ASKED = ("--function", "brain_extraction", "--set", "modality=t1", "--json")

pytestmark = pytest.mark.timeout(3_000)


def bedside(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(create_app("antspynet"), ["antspynet", *map(str, words)])
    return done.exit_code, done.output


@pytest.fixture
def folder(weights: Path, tmp_path: Path) -> Path:
    """A folder with the two files, and no record."""
    for name in FILES:
        (tmp_path / name).write_bytes((weights / name).read_bytes())
    return tmp_path


def test_what_is_there_is_written_down_with_its_digest_and_where_it_comes_from(
    folder: Path, python: Path
) -> None:
    code, output = bedside("prefetch", folder, *ASKED, "--antspynet-python", python)
    assert code == 0, output
    told = json.loads((folder / RECORD).read_text())["files"]
    assert tuple(one["name"] for one in told) == FILES
    assert all(one["origin"].startswith("https://") for one in told)
    assert bedside("verify", folder, "--json")[0] == 0
    (folder / FILES[1]).write_bytes(b"another file")
    code, output = bedside("verify", folder, "--json")
    assert code == 1
    assert FILES[1] in output


def test_without_a_network_it_names_the_file_and_the_address(
    folder: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing leaves this machine
    (folder / FILES[1]).unlink()
    code, output = bedside("prefetch", folder, *ASKED, "--antspynet-python", python)
    assert code == 1
    assert "'brainExtractionRobustT1.h5' cannot be fetched from https://" in output
    assert not (folder / FILES[1]).exists()
