"""Every file of the corpus is refused by its name, quickly, in little memory, and nothing is run."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hostile.corpus import corpus, made, write_corpus
from tests.hostile.hostile import CANARY, Hostile
from tests.hostile.judge import READERS
from tests.hostile.pickles import CALL

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 1.0
MOST_MEMORY = 160 * 2**20
"""Bytes beyond the file itself; a picture of the largest allowed size is no hostile file."""


class Judged(NamedTuple):
    said: str | None
    seconds: float
    grown: int
    held: int


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """What a child process made of the whole corpus."""
    folder = tmp_path_factory.mktemp("hostile")
    found = write_corpus(folder / "files")
    index = [{"name": h.name, "reader": h.reader, "good": h.says is None} for h in found]
    (folder / "files" / "index.json").write_text(json.dumps(index))
    paths = (str(folder / "files"), str(folder / "answers"))
    command = [sys.executable, "-m", "tests.hostile.judge", *paths]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list(folder.rglob(CANARY)), "a file of the corpus was run"
    answers = [json.loads(line) for line in (folder / "answers").read_text().splitlines()]
    return {one.pop("name"): Judged(**one) for one in answers}


HOSTILE = [one for one in corpus() if one.says is not None]


@pytest.mark.parametrize("one", HOSTILE, ids=lambda one: one.name)
def test_a_hostile_file_is_refused_by_name_quickly_and_in_little_memory(
    one: Hostile, judged: dict[str, Judged]
) -> None:
    found = judged[one.name]
    assert found.said is not None, "it was accepted"
    assert not found.said.startswith("UNFORESEEN"), found.said
    assert one.says is not None
    assert one.says in found.said
    assert_cheap(one, found)


def assert_cheap(one: Hostile, found: Judged) -> None:
    assert found.seconds < MOST_SECONDS
    assert found.held < MOST_MEMORY + len(one.data)
    assert found.grown < MOST_MEMORY + 2 * len(one.data)


@pytest.mark.parametrize(
    "one", [one for one in corpus() if one.says is None], ids=lambda one: one.name
)
def test_a_good_file_of_the_same_kind_is_accepted(one: Hostile, judged: dict[str, Judged]) -> None:
    assert judged[one.name].said is None
    assert_cheap(one, judged[one.name])


def test_the_corpus_is_as_large_as_it_should_be_and_has_a_good_file_of_every_kind() -> None:
    assert len(HOSTILE) >= 200
    assert {one.reader for one in corpus() if one.says is None} >= set(READERS) - {"spec"}


def test_the_corpus_is_the_same_every_time() -> None:
    assert made() == corpus()


def test_the_canary_sings_when_such_a_pickle_is_read(tmp_path: Path) -> None:
    (tmp_path / "evil.pkl").write_bytes(CALL)
    code = "import pickle; pickle.load(open('evil.pkl', 'rb'))"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert (tmp_path / CANARY).exists()


def test_the_old_trick_is_a_real_pickle() -> None:
    assert CALL[-1:] == pickle.STOP
