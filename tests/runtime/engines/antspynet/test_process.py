from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import BedsideError, ConditionsNotMet, LimitExceeded, NotFound, PackageRefused
from bedside.runtime.engines.antspynet import process
from bedside.runtime.engines.antspynet.process import Child, unheard

BEGIN = {"memory": 2**30, "network": False, "what": "a test"}


class Enough(Exception):
    """Whoever waited has had enough."""


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    monkeypatch.setattr(process, "START", Path(__file__).with_name("stand_in.py"))
    monkeypatch.setenv("BEDSIDE_SITE_KEY", "a secret")
    started = Child(None, BEGIN, unheard)
    yield started
    started.close()


def test_an_answer_comes_back(child: Child) -> None:
    image = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    answer = child.ask({"kind": "call", "what": "answer"}, [image], unheard, 10)
    assert np.allclose(answer.arrays[0], image[np.newaxis] / 1000)
    assert child.versions["antspynet"] == "0.3.2"


def test_the_child_sees_no_secret(child: Child) -> None:
    answer = child.ask({"kind": "call", "what": "answer"}, [], unheard, 10)
    assert "BEDSIDE_SITE_KEY" not in answer.header["env"]
    assert answer.header["env"]["HOME"] == answer.header["env"]["TMPDIR"]


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("die", PackageRefused, "ended with 3; its last words: the last word"),
        ("nonsense", PackageRefused, "nonsense"),
        ("refuse", ConditionsNotMet, "no"),
        ("fail", PackageRefused, "odd"),
    ],
)
def test_what_goes_wrong_is_told(
    child: Child, what: str, error: type[BedsideError], words: str
) -> None:
    with pytest.raises(error, match=words):
        child.ask({"kind": "call", "what": what}, [], unheard, 10)
    assert child.alive is (what in {"refuse", "fail"})


def test_who_waits_may_end_it_at_once(child: Child) -> None:
    def enough(step: str, done: int) -> None:
        if (step, done) == ("sleep", 1):
            raise Enough

    begun = time.monotonic()
    with pytest.raises(Enough):
        child.ask({"kind": "call", "what": "sleep"}, [], enough, 60)
    assert time.monotonic() - begun < 10
    assert not child.alive


def test_what_takes_too_long_is_ended(child: Child) -> None:
    with pytest.raises(LimitExceeded, match="did not answer in time"):
        child.ask({"kind": "call", "what": "sleep"}, [], unheard, 0.5)
    assert not child.alive


@pytest.mark.parametrize("how", ["in time", "by whoever waits", "by its memory"])
def test_one_that_reads_nothing_is_ended(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A head does not fit into a pipe: it is written while the child works, or sleeps."""
    monkeypatch.setattr(process, "START", Path(__file__).with_name("stand_in.py"))
    child = Child(None, {**BEGIN, "deaf": True}, unheard)
    head, begun = np.zeros((64, 128, 128), np.float32), time.monotonic()
    if how == "by its memory":
        monkeypatch.setattr(process, "_resident", lambda _: 2**40)

    def heard(_step: str, _done: int) -> None:
        if how == "by whoever waits" and time.monotonic() > begun + 0.5:
            raise Enough

    with pytest.raises(Enough if how == "by whoever waits" else LimitExceeded):
        child.ask({"kind": "call"}, [head], heard, 0.5 if how == "in time" else 60)
    assert time.monotonic() - begun < 20
    assert not child.alive


def test_what_takes_too_much_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START", Path(__file__).with_name("stand_in.py"))
    child = Child(None, {**BEGIN, "memory": 150 * 2**20}, unheard)
    with pytest.raises(LimitExceeded, match="GiB in the step 'swell'"):
        child.ask({"kind": "call", "what": "swell"}, [], unheard, 60)
    assert not child.alive


def test_nothing_of_it_is_left(child: Child) -> None:
    folder = Path(child.ask({"kind": "c", "what": "x"}, [], unheard, 9).header["env"]["HOME"])
    assert folder.is_dir()
    child.close()
    assert not folder.exists()
    with pytest.raises(PackageRefused):
        child.ask({"kind": "call", "what": "answer"}, [], unheard, 5)


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="no-such-python"):
        Child(Path("/no-such-python"), BEGIN, unheard)


def test_an_interpreter_without_the_library_names_the_extra() -> None:
    begin = {
        "weights": "/", "files": [], "seed": 1, "threads": 1, "memory": 2**32, "network": False,
    }  # fmt: skip
    with pytest.raises(NotFound) as refused:
        Child(None, begin, unheard)
    assert "bedside[antspynet]" in refused.value.advice
