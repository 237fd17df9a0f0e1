from __future__ import annotations

import os
import time
from threading import Event

from bedside.runtime.deadline import LOOKS, Watchdog, watchdog


def test_what_is_late_is_stopped_and_told_so() -> None:
    stopped = Event()
    watch = watchdog().begin(stopped.set, 0.01)
    assert stopped.wait(5)
    assert watch.late
    watchdog().end(watch)


def test_what_ended_in_time_is_left_alone() -> None:
    stopped = Event()
    watchdog().end(watchdog().begin(stopped.set, 0.01))
    assert not stopped.wait(3 * LOOKS)


def test_a_dog_that_slept_wakes_again() -> None:
    dog = Watchdog()
    for _ in range(2):
        stopped = Event()
        dog.end(dog.begin(stopped.set, 60))
        time.sleep(3 * LOOKS)
        watch = dog.begin(stopped.set, 0.01)
        assert stopped.wait(5)
        dog.end(watch)


def test_a_process_that_forked_has_a_thread_of_its_own() -> None:
    dog = Watchdog()
    dog.end(dog.begin(Event().set, 60))
    if (child := os.fork()) == 0:
        stopped = Event()
        dog.begin(stopped.set, 0.01)
        os._exit(0 if stopped.wait(5) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
