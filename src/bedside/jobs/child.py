"""A child process as its worker sees it: fed through one pipe, heard through another.

The child has no key, no database and no secret: what it is given comes over the pipe, and what it
makes goes back the same way. It runs with the lowest priority (`inside`), and ends when we do: it
watches the pipe that we hold open.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from bedside.errors import Unavailable
from bedside.jobs.frames import Frame, Frames, Garbled
from bedside.store.workplace import Workplace, of_this_account

READ_BYTES: Final = 1024 * 1024
LISTEN_SECONDS: Final = 0.25
"""How long one look waits for the child to say something."""

KEPT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
"""What a child needs of our environment; everything else may be a secret."""

MOST_UNHEARD: Final = 64 * 2**20
"""Bytes that a child may say before it was told all; a frame counts for more than what is in it."""

FRAME_BYTES: Final = 256
"""That a frame takes here beside its bytes, at least."""

MOST_WORDS: Final = 2_000
"""Characters of what a child wrote to its standard error that are kept."""


class ChildEnded(Exception):
    """The child ended without a result: killed, out of memory, or by a fault in a library.

    Attributes:
        message: What happened; it tells nothing of the input.
        status: Its exit status; negative is the number of the signal that ended it.
        words: The end of what it wrote to its standard error; it may tell of the input.
    """

    def __init__(self, status: int, words: str) -> None:
        how = f"status {status}"
        if status < 0:
            with suppress(ValueError):
                how = signal.Signals(-status).name
        self.message = f"The process that works on the job ended with {how}."
        super().__init__(self.message)
        self.status = status
        self.words = words


class Child:
    """One child process; use it as a context manager."""

    def __init__(
        self, module: str, arguments: Sequence[str] = (), place: Workplace | None = None
    ) -> None:
        """Start `module`, one of ours, with its standard streams as pipes.

        Its standard error goes to a file of ours that nobody else can open.

        Args:
            module: What it runs.
            arguments: What it is told at its start.
            place: Where its home is made; without it, in a place of this account.

        Raises:
            Unavailable: the disk refuses, or the system starts no further process.
            SiteProblem: others may write to the place.
        """
        self._alone = place is None  # then the place goes with us
        self._place = place or Workplace(of_this_account())
        self._home = self._place.new()
        self._frames = Frames()
        self._early: list[tuple[Frame, bytes]] = []
        self._early_size = 0
        try:
            self._words = tempfile.TemporaryFile(dir=self._home)  # noqa: SIM115 - closed by `close`
            self._process = self._started([sys.executable, "-P", "-m", module, *arguments])
        except OSError as problem:
            self._leave()
            raise Unavailable(
                f"No process can be started: {problem.strerror}.",
                advice="Look at the disk's free space and rights, and at the limits of this account.",
            ) from problem
        os.set_blocking(self._to, False)

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs still."""
        return self._process.poll() is None

    @property
    def quiet(self) -> bool:
        """Whether it runs, and said nothing that nobody asked for: it may do the next job."""
        said = self._early or not self._frames.whole
        return self.alive and not said and not _ready(0, self._from)

    def rest(self) -> None:
        """Forget what it wrote: words of one job are nothing for the next."""
        self._words.seek(0)
        self._words.truncate()

    def say(self, pieces: Iterable[bytes], going_on: Callable[[], None]) -> None:
        """Send what it is to work on, and keep what it says meanwhile.

        Args:
            pieces: Frames, in any pieces.
            going_on: Asked between pieces, and while the child takes none; it may raise.

        Raises:
            ChildEnded: it ended before it had heard all.
            Garbled: it says what is no frame, or too much.
        """
        self._early_size = 0
        for piece in pieces:
            going_on()
            view = memoryview(piece)
            while view:
                ready = _ready(LISTEN_SECONDS, self._from, self._to)
                if self._from in ready:
                    self._keep_early(self._heard())
                if self._to in ready:
                    view = view[self._taken(view) :]
                else:
                    going_on()

    def hear(self) -> Iterator[tuple[Frame, bytes] | None]:
        """Yield each frame that it says, and None while it says nothing.

        Raises:
            ChildEnded: it ended.
            Garbled: it says what is no frame.
        """
        while True:
            while self._early:
                yield self._early.pop(0)
            if _ready(LISTEN_SECONDS, self._from):
                self._early += self._heard()
            else:
                yield None

    def close(self) -> None:
        """End it, if it runs still, and forget what it wrote."""
        if self._process.poll() is None:
            self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._process.wait()
        self._words.close()
        self._leave()

    def _started(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                cwd=self._home,
                env=_environment(self._home),
                bufsize=0,
            )
        except OSError:
            self._words.close()
            raise

    def _leave(self) -> None:
        self._place.remove(self._home)
        if self._alone:
            self._place.close()

    def _keep_early(self, heard: list[tuple[Frame, bytes]]) -> None:
        self._early += heard
        self._early_size += sum(FRAME_BYTES + len(payload) for _, payload in heard)
        if self._early_size > MOST_UNHEARD:
            raise Garbled("A child says much before it was told all.")

    @property
    def _to(self) -> int:
        stream = self._process.stdin
        assert stream is not None  # noqa: S101 - it is a pipe
        return stream.fileno()

    @property
    def _from(self) -> int:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - it is a pipe
        return stream.fileno()

    def _taken(self, view: memoryview) -> int:
        """Return how many bytes of `view` the pipe took."""
        try:
            return os.write(self._to, view)
        except BlockingIOError:
            return 0
        except BrokenPipeError as problem:
            raise self._ended() from problem

    def _heard(self) -> list[tuple[Frame, bytes]]:
        data = os.read(self._from, READ_BYTES)
        if not data:
            raise self._ended()
        return list(self._frames.add(data))

    def _ended(self) -> ChildEnded:
        until = time.monotonic() + 5.0
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        self._process.kill()
        status = self._process.wait()
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - MOST_WORDS))
        return ChildEnded(status, self._words.read().decode("utf-8", "replace"))

    def __enter__(self) -> Self:
        """Return the child."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()


def _ready(seconds: float, reads: int, writes: int | None = None) -> set[int]:
    """Return which of two ends of pipes can be used, or have come to their end; wait so long for one.

    Source: poll(2), which takes descriptors beyond 1023; select(2) does not.
    """
    looks = select.poll()
    looks.register(reads, select.POLLIN)
    if writes is not None:
        looks.register(writes, select.POLLOUT)
    return {descriptor for descriptor, _ in looks.poll(seconds * 1000)}


def _environment(home: Path) -> dict[str, str]:
    """Return an environment without our secrets."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    own = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime would keep a store of what it could report
    }
    return kept | own | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
