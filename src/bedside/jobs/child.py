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

from bedside.jobs.frames import Frame, Frames

READ_BYTES: Final = 1024 * 1024
LISTEN_SECONDS: Final = 0.25
"""How long one look waits for the child to say something."""

KEPT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
"""What a child needs of our environment; everything else may be a secret."""

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

    def __init__(self, module: str, arguments: Sequence[str] = ()) -> None:
        """Start `module`, one of ours, with its standard streams as pipes.

        Its standard error goes to a file of ours that nobody else can open.
        """
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._home = tempfile.TemporaryDirectory(prefix="bedside-job-")
        self._frames = Frames()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            cwd=self._home.name,
            env=_environment(Path(self._home.name)),
            bufsize=0,
        )

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs still."""
        return self._process.poll() is None

    def say(self, pieces: Iterable[bytes], going_on: Callable[[], None]) -> None:
        """Send what it is to work on; `going_on` is asked between pieces, and may raise.

        Raises:
            ChildEnded: it ended before it had heard all.
        """
        stream = self._process.stdin
        assert stream is not None  # noqa: S101 - it is a pipe
        try:
            for piece in pieces:
                going_on()
                view = memoryview(piece)
                while view:
                    view = view[stream.write(view) :]
        except BrokenPipeError as problem:
            raise self._ended() from problem

    def hear(self) -> Iterator[tuple[Frame, bytes] | None]:
        """Yield each frame that it says, and None while it says nothing.

        Raises:
            ChildEnded: it ended.
            Garbled: it says what is no frame.
        """
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - it is a pipe
        while True:
            ready, _, _ = select.select([stream], [], [], LISTEN_SECONDS)
            if not ready:
                yield None
                continue
            data = os.read(stream.fileno(), READ_BYTES)
            if not data:
                raise self._ended()
            yield from self._frames.add(data)

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
        with suppress(OSError):
            self._home.cleanup()

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
