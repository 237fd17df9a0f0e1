from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bedside.cli.app import create_app
from bedside.runtime.engines.antspynet import process
from bedside.runtime.engines.antspynet.weights import WeightFile, digest_of, write_record

NAME = "brainExtractionRobustT1.h5"


def bedside(*words: str | Path) -> Result:
    return CliRunner().invoke(create_app("antspynet"), ["antspynet", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(b"weights")
    write_record(tmp_path, [WeightFile(NAME, 7, digest_of(path), "https://example.org/1")])
    return tmp_path


def test_verify_shows_each_file_with_its_digest(folder: Path) -> None:
    done = bedside("verify", folder)
    assert done.exit_code == 0, done.output
    assert f"✓ {NAME}  sha256:" in done.output


def test_verify_names_what_was_changed(folder: Path) -> None:
    (folder / NAME).write_bytes(b"weightz")
    done = bedside("verify", folder, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout[: done.stdout.rindex("}") + 1])
    assert told["ok"] is False
    assert "another file" in told["files"][0]["wrong"]


def test_prefetch_without_the_library_names_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BEDSIDE_ANTSPYNET_PYTHON", raising=False)
    monkeypatch.setattr(process, "MOST_MEMORY", 2**32)
    done = bedside("prefetch", folder, "--function", "brain_extraction")
    assert done.exit_code == 1
    assert "bedside[antspynet]" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--function", "skull_stripping"), "not offered"),
        (("--function", "brain_extraction", "--set", "modality=t9"), "'t9'"),
        (("--function", "brain_extraction", "--set", "modality"), "NAME=VALUE"),
    ],
    ids=["function", "value", "form"],
)
def test_prefetch_refuses_what_it_does_not_know(
    folder: Path, words: tuple[str, ...], told: str
) -> None:
    done = bedside("prefetch", folder, *words)
    assert done.exit_code in {1, 2}
    assert told in done.output
