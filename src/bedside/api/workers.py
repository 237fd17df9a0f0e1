"""Several worker processes behind one listening socket: started, watched, restarted, stopped.

The parent binds the socket and opens no site, so that nothing but an operating system's failure
ends it. Each worker is a fresh process (`worker_process`) that opens a site of its own and accepts
from the same socket: while one is being started again, the others take its share.

The first worker goes ahead alone. If it cannot open the site, nobody can, and the service ends
with its reason; the others start once it answers.
"""

from __future__ import annotations

import json
import logging
import logging.config
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from bedside import errors
from bedside.api.journal import STATE, configuration, tell
from bedside.api.listener import BACKLOG, listening
from bedside.api.stand_in import StandIn, Visitor
from bedside.canonical import Json
from bedside.errors import BedsideError, SiteProblem
from bedside.site.files import WORK_FOLDER
from bedside.site.settings import SETTINGS_FILE
from bedside.store.workplace import Workplace, of_this_account

MAX_WORKERS: Final = 64
"""More than any machine that this is meant for has cores."""

STEADY_SECONDS: Final = 10.0
"""A worker that answered for so long and then died is started again at once."""

FIRST_WAIT_SECONDS: Final = 0.5
"""How long one waits that died sooner; each time in a row it is twice as long."""

LONGEST_WAIT_SECONDS: Final = 10.0
"""And never longer than this: what kept it from starting may be mended by now."""

REAP_SECONDS: Final = 10.0
"""How long a worker may take to end after it closed its channel to us."""

_MAX_SAID: Final = 64 * 1024


@dataclass(slots=True, eq=False)
class Worker:
    """One running worker process.

    Attributes:
        number: 1, 2, …; one that is started again keeps the number.
        process: The process.
        channel: Our end of a pair of sockets: it says when it answers, or why it cannot.
        since: When it was started (monotonic seconds).
        ready: Whether it answers.
        said: What came over the channel and is no whole line yet.
        reason: Why it could not start, in its words.
    """

    number: int
    process: subprocess.Popen[bytes]
    channel: socket.socket
    since: float
    ready: bool = False
    said: bytearray = field(default_factory=bytearray)
    reason: BedsideError | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What every worker is started with.

    Attributes:
        site: The site's folder.
        listener: The socket that they accept from.
        shared: The folder in which they leave their numbers for each other.
        log_level: Of the log.
    """

    site: Path
    listener: socket.socket
    shared: Path
    log_level: str


def serve_with_workers(
    folder: Path, host: str, port: int, workers: int, log_level: str = "INFO"
) -> None:
    """Serve the site in `folder` with several processes until this one is told to stop.

    SIGTERM or SIGINT stops all gracefully; a second SIGINT stops them at once.

    Raises:
        BedsideError: what the first worker met when it opened the site.
        SiteProblem: the address is not to be had, the first worker ended without a reason, or others
            may write to the site's `work` folder.
    """
    logging.config.dictConfig(configuration(log_level))
    there = (folder / SETTINGS_FILE).is_file()  # else the first worker will say what is missing
    place = Workplace(folder / WORK_FOLDER if there else of_this_account())
    with listening(host, port) as listener, closing(place):
        listener.listen(BACKLOG)
        asked = Asked(folder.absolute(), listener, place.new().absolute(), log_level)
        with Supervisor(asked, workers, host) as supervisor:
            supervisor.run()
        tell(STATE, logging.INFO, "stopped")


class Supervisor:
    """The parent of all workers."""

    def __init__(self, asked: Asked, count: int, host: str) -> None:
        self._asked = asked
        self._count = count
        self._host = host
        self._running: dict[int, Worker] = {}
        self._due: dict[int, float] = {1: 0.0}
        self._failures: dict[int, int] = {}
        self._answers = False
        self._stopping = False
        self._signals: list[int] = []
        self._selector = selectors.DefaultSelector()
        self._stand_in = StandIn(self._selector, asked.listener)

    def __enter__(self) -> Supervisor:
        """Return this."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Leave no worker behind, whatever happened here."""
        for worker in list(self._running.values()):
            worker.process.kill()
            worker.process.wait()
            worker.channel.close()
        self._stand_in.close()
        self._selector.close()

    def run(self) -> None:
        """Start the workers, and return when all have ended after a signal.

        Raises:
            BedsideError: why the first worker could not start.
        """
        with self._hearing_signals():
            while not (self._stopping and not self._running):
                self._start_due()
                for key, _ in self._selector.select(self._patience()):
                    self._attend(key)
                self._stand_in.tidy()
                while self._signals:
                    self._signalled(self._signals.pop(0))

    def _attend(self, key: selectors.SelectorKey) -> None:
        if isinstance(key.data, Worker):
            self._hear(key.data)
        elif isinstance(key.data, Visitor):
            self._stand_in.hear(key.data)
        elif isinstance(key.data, StandIn):
            self._stand_in.accept()
        else:
            key.fileobj.recv(4096)  # type: ignore[union-attr] # the wake-up socket

    def _start_due(self) -> None:
        if self._stopping:
            return
        now = time.monotonic()
        for number in [one for one, due in self._due.items() if due <= now]:
            del self._due[number]
            try:
                worker = _started(number, self._asked)
            except OSError as problem:
                self._not_started(number, problem)
                continue
            self._running[number] = worker
            self._selector.register(worker.channel, selectors.EVENT_READ, worker)

    def _not_started(self, number: int, problem: OSError) -> None:
        """Try a worker again later that the system has no process, memory or socket for now.

        Raises:
            SiteProblem: it is the first one, so nobody answers whom that would help.
        """
        if not self._answers:
            raise SiteProblem(
                f"The first worker cannot be started: {problem}.",
                advice="See what the machine allows of processes, memory and open files.",
            ) from problem
        wait = self._longer(number)
        self._due[number] = time.monotonic() + wait
        told: dict[str, Json] = {"worker": number, "reason": str(problem)}
        tell(STATE, logging.ERROR, "worker not started", **told, again_in_seconds=wait)

    def _patience(self) -> float | None:
        longest = 1.0 if self._stand_in.busy else None
        if not self._due or self._stopping:
            return longest
        due = max(0.0, min(self._due.values()) - time.monotonic())
        return due if longest is None else min(due, longest)

    def _hear(self, worker: Worker) -> None:
        try:
            data = worker.channel.recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            self._ended(worker)
            return
        worker.said += data
        *lines, rest = worker.said.split(b"\n")
        worker.said = rest[-_MAX_SAID:]
        for line in lines:
            told = json.loads(line)
            if "error" in told:
                worker.reason = _reason(told["error"])
            elif not worker.ready:
                worker.ready = True
                self._answering(worker)

    def _answering(self, worker: Worker) -> None:
        self._stand_in.end()
        tell(STATE, logging.INFO, "worker answers", worker=worker.number, pid=worker.process.pid)
        if self._answers:
            return
        self._answers = True
        port = self._asked.listener.getsockname()[1]
        tell(STATE, logging.INFO, "listening", host=self._host, port=port, workers=self._count)
        self._due |= dict.fromkeys(range(2, self._count + 1), 0.0)

    def _ended(self, worker: Worker) -> None:
        self._selector.unregister(worker.channel)
        worker.channel.close()
        status = _reaped(worker.process)
        del self._running[worker.number]
        if self._stopping:
            if status:
                self._tell_end(logging.WARNING, worker, status)
            return
        if not self._answers:
            raise worker.reason or SiteProblem(
                f"The first worker ended with {status} before it answered.",
                advice="Its log lines say why.",
            )
        wait = self._wait_after(worker)
        self._due[worker.number] = time.monotonic() + wait
        self._tell_end(logging.ERROR, worker, status, again_in_seconds=wait)
        if not any(one.ready for one in self._running.values()):
            ended = f"Worker {worker.number} ended with status {status}."
            self._stand_in.begin(str(worker.reason or ended))

    def _wait_after(self, worker: Worker) -> float:
        """Return how long to wait before a worker that died is started again, in seconds."""
        number = worker.number
        if worker.ready and time.monotonic() - worker.since >= STEADY_SECONDS:
            self._failures[number] = 0
            return 0.0
        return self._longer(number)

    def _longer(self, number: int) -> float:
        """Count a failure of a worker; return how long to wait after so many, in seconds."""
        self._failures[number] = self._failures.get(number, 0) + 1
        doubled = FIRST_WAIT_SECONDS * 2.0 ** min(self._failures[number] - 1, 16)
        return float(min(LONGEST_WAIT_SECONDS, doubled))

    def _tell_end(self, level: int, worker: Worker, status: int, **facts: Json) -> None:
        reason = worker.reason.message if worker.reason else None
        known: dict[str, Json] = {"worker": worker.number, "status": status, "reason": reason}
        tell(STATE, level, "worker ended", **known, **facts)

    def _signalled(self, number: int) -> None:
        if self._stopping:
            if number == signal.SIGINT:
                self._send(signal.SIGINT)  # which a worker that is stopping takes for: at once
            return
        self._stopping = True
        self._stand_in.end()
        self._asked.listener.close()
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for worker in self._running.values():
            worker.process.send_signal(number)

    @contextmanager
    def _hearing_signals(self) -> Iterator[None]:
        """Note SIGTERM and SIGINT, and wake the loop up, until the block is left."""

        def note(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)

        woken, waking = socket.socketpair()
        with woken, waking:
            waking.setblocking(False)
            self._selector.register(woken, selectors.EVENT_READ)
            before = {one: signal.signal(one, note) for one in (signal.SIGTERM, signal.SIGINT)}
            wakeup = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
            try:
                yield
            finally:
                signal.set_wakeup_fd(wakeup)
                for one, handler in before.items():
                    signal.signal(one, handler)
                self._selector.unregister(woken)


def _started(number: int, asked: Asked) -> Worker:
    ours, theirs = socket.socketpair()
    told = {
        "site": str(asked.site),
        "listener": asked.listener.fileno(),
        "channel": theirs.fileno(),
        "worker": number,
        "shared": str(asked.shared),
        "log_level": asked.log_level,
    }
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-P", "-m", "bedside.api.worker_process", json.dumps(told)],
                stdin=subprocess.DEVNULL,
                pass_fds=(asked.listener.fileno(), theirs.fileno()),
                process_group=0,  # Ctrl-C is for the parent, which then stops all in order
            )
        except OSError:
            ours.close()
            raise
    return Worker(number, process, ours, time.monotonic())


def _reaped(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(REAP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _reason(told: Mapping[str, str]) -> BedsideError:
    """Return a worker's error as one of ours; a kind that is not in the tree as a site's problem."""
    kind = getattr(errors, told["kind"], None)
    if not (isinstance(kind, type) and issubclass(kind, BedsideError)):
        kind = SiteProblem
    try:
        return kind(told["message"], advice=told["advice"])
    except TypeError:  # a kind that is made of other things than its words
        return SiteProblem(told["message"], advice=told["advice"])
