from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from bedside.api import one_core as module
from bedside.api.one_core import OneCore

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a thread may use"),
    pytest.mark.skipif(os.cpu_count() == 1, reason="there is one core only"),
]


class Thread(threading.Thread):
    """A thread that waits until it is told to end."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.end = threading.Event()
        self.start()

    def run(self) -> None:
        self.end.wait(30)

    @property
    def cores(self) -> set[int]:
        assert self.native_id is not None
        return os.sched_getaffinity(self.native_id)


@pytest.fixture
def threads() -> Iterator[dict[str, Thread]]:
    all_cores = os.sched_getaffinity(0)
    made = {name: Thread(name) for name in ("ledger-group-commit", "subject-keys_0", "pictures")}
    yield made
    for one in made.values():
        one.end.set()
        one.join()
    os.sched_setaffinity(0, all_cores)


def looked(core: OneCore, *times: float) -> None:
    """Start, and let it look once more after each of `times` seconds."""

    async def looking() -> None:
        core.start()
        for seconds in times:
            await asyncio.sleep(seconds)

    asyncio.run(looking())


def kept(core: OneCore) -> int | None:
    return core.core


def test_those_that_take_turns_share_a_core_and_no_other_does(threads: dict[str, Thread]) -> None:
    everywhere = os.sched_getaffinity(0)
    core = OneCore()
    looked(core)
    assert core.core in everywhere
    assert os.sched_getaffinity(0) == {core.core}
    assert threads["ledger-group-commit"].cores == {core.core}
    assert threads["subject-keys_0"].cores == {core.core}
    assert threads["pictures"].cores == everywhere
    core.stop()
    assert {frozenset(one.cores) for one in threads.values()} == {frozenset(everywhere)}
    assert os.sched_getaffinity(0) == everywhere


def test_a_thread_that_the_loop_starts_later_gets_all_cores(
    threads: dict[str, Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "_nanoseconds_waited", lambda _: 0)
    everywhere = os.sched_getaffinity(0)
    core = OneCore()

    async def starting() -> Thread:
        core.start()
        late = Thread("late")
        assert late.cores == {core.core}
        for _ in range(100):
            await asyncio.sleep(0.02)
            if late.cores == everywhere:
                break
        return late

    late = asyncio.run(starting())
    assert late.cores == everywhere
    assert os.sched_getaffinity(0) == {core.core}
    late.end.set()
    core.stop()


def test_a_core_that_others_use_is_let_go_and_tried_again_later(
    threads: dict[str, Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.3)
    waited = iter(range(0, 10**12, 10**10))
    monkeypatch.setattr(module, "_nanoseconds_waited", lambda _: next(waited))
    everywhere = os.sched_getaffinity(0)
    core = OneCore()
    looked(core, 0.15)
    assert kept(core) is None
    assert threads["ledger-group-commit"].cores == everywhere
    monkeypatch.setattr(module, "_nanoseconds_waited", lambda _: 0)
    looked(core, 0.6)
    assert kept(core) is not None
    core.stop()


def test_what_somebody_else_gave_a_thread_is_left(threads: dict[str, Thread]) -> None:
    native = threads["pictures"].native_id
    assert native is not None
    chosen = {max(os.sched_getaffinity(0))}
    os.sched_setaffinity(native, chosen)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    core = OneCore()
    looked(core)
    assert core.core is None  # one core only is given to the process
    assert threads["pictures"].cores == chosen
    core.stop()


def test_the_kernel_tells_how_long_a_thread_waited() -> None:
    assert module._nanoseconds_waited(threading.get_native_id()) > 0


@pytest.mark.parametrize("trouble", [OSError("no file is left"), ValueError("x"), IndexError("x")])
def test_where_the_kernel_does_not_tell_no_core_is_kept(
    threads: dict[str, Thread], monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    everywhere = os.sched_getaffinity(0)
    core = OneCore()

    def silent(_: int) -> int:
        raise trouble

    async def looking() -> None:
        core.start()
        assert kept(core) is not None
        monkeypatch.setattr(module, "_nanoseconds_waited", silent)
        await asyncio.sleep(0.15)

    asyncio.run(looking())
    assert kept(core) is None
    assert threads["ledger-group-commit"].cores == everywhere
    core.stop()
