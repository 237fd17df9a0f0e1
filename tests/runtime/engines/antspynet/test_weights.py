from __future__ import annotations

import json
from pathlib import Path

import pytest

from bedside.errors import ConditionsNotMet, NotFound, UsageError
from bedside.runtime.engines.antspynet.weights import (
    RECORD,
    WeightFile,
    check_file,
    digest_of,
    read_record,
    write_record,
)


@pytest.fixture
def file(tmp_path: Path) -> WeightFile:
    path = tmp_path / "net.h5"
    path.write_bytes(b"weights")
    return WeightFile("net.h5", 7, digest_of(path), "https://example.org/files/7")


def test_the_listed_file_is_used(tmp_path: Path, file: WeightFile) -> None:
    assert check_file(tmp_path, file) == tmp_path / "net.h5"


def test_a_missing_file_is_named_with_its_digest_and_where_it_comes_from(
    tmp_path: Path, file: WeightFile
) -> None:
    (tmp_path / "net.h5").unlink()
    with pytest.raises(ConditionsNotMet) as refused:
        check_file(tmp_path, file)
    for word in ("net.h5", file.digest, file.origin, str(tmp_path)):
        assert word in refused.value.message
    assert "prefetch" in refused.value.advice


@pytest.mark.parametrize("data", [b"weightz", b"weights!", b""])
def test_another_file_of_the_same_name_is_refused(
    tmp_path: Path, file: WeightFile, data: bytes
) -> None:
    (tmp_path / "net.h5").write_bytes(data)
    with pytest.raises(ConditionsNotMet, match=r"net\.h5"):
        check_file(tmp_path, file)


def test_a_record_is_read_as_it_was_written(tmp_path: Path, file: WeightFile) -> None:
    write_record(tmp_path, [file])
    assert read_record(tmp_path) == {"net.h5": file}


def test_a_folder_without_a_record_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        read_record(tmp_path)
    assert "prefetch" in refused.value.advice


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../net.h5"},
        {"name": "a/b"},
        {"size": 0},
        {"size": 2**40},
        {"digest": "sha256:00"},
        {"digest": None},
        {"size": "many"},
    ],
    ids=str,
)
def test_a_record_that_was_changed_is_refused(
    tmp_path: Path, file: WeightFile, change: dict[str, object]
) -> None:
    write_record(tmp_path, [file])
    told = json.loads((tmp_path / RECORD).read_text())
    told["files"][0].update(change)
    (tmp_path / RECORD).write_text(json.dumps(told))
    with pytest.raises(UsageError):
        read_record(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2, "files": []}', '{"version": 1}'])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(UsageError):
        read_record(tmp_path)
