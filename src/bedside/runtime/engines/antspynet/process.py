"""The parent's side of the child: started without secrets, asked, listened to, and ended."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from numpy.typing import NDArray

from bedside import errors
from bedside.errors import BedsideError, LimitExceeded, NotFound, PackageRefused
from bedside.runtime.engines.antspynet.protocol import Message, read_message, write_message
from bedside.store.workplace import Workplace, of_this_account

START: Final = Path(__file__).with_name("start.py")
START_SECONDS: Final = 300.0
"""TensorFlow takes 15 s to import on a busy machine."""

TICK: Final = 0.2
"""Seconds after which whoever waits is asked whether to go on."""

SAID_SECONDS: Final = 5.0
"""Within which all that an answer is to has been written; it was read before."""

MOST_MEMORY: Final = 6 * 2**30
"""Bytes that a child may take; above it, it is ended. `t1nobrainer` and `t1combined`, which let a
network see 256³ voxels at once, took more than 17 GiB and need a machine (and a bound) of their own."""

_KEPT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
_KEPT_TO_FETCH: Final = (
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
)
_LAST: Final = 4_000
"""Bytes of the child's last words."""

Heard: TypeAlias = Callable[[str, int], None]
"""Hears which step is at work and how many went before, again and again; raises to end it."""


class Idle(PackageRefused):
    """The child had ended by itself before it was asked; another may be started."""


def unheard(step: str, done: int) -> None:
    """Hear nothing."""


class Child:
    """One child, from its start to its end. Not for several threads at once."""

    def __init__(self, python: Path | None, begin: Mapping[str, Any], heard: Heard) -> None:
        """Start a child and wait until its libraries are loaded.

        Args:
            python: The interpreter; None for this one.
            begin: The first message: where the files are and what they must be.
            heard: Asked while it starts.

        Raises:
            NotFound: no such interpreter, or one without the libraries.
            PackageRefused: it ended before it was ready.
            Unavailable: the disk refuses it a place.
            SiteProblem: others may write to the place.
        """
        program = str(python or sys.executable)
        self._memory = int(begin["memory"])
        self._place = Workplace(of_this_account())  # the library may put a head there
        self._words = self._place.new() / "words"
        try:
            kept = (*_KEPT, *_KEPT_TO_FETCH) if begin["network"] else _KEPT
            self._process = _started([program, "-I", str(START)], self._words, kept)
        except OSError as problem:
            self._place.close()
            raise NotFound(
                f"The interpreter {program!r} cannot be started: {problem}.",
                advice="Name the Python of an environment with antspynet.",
            ) from problem
        self._end = weakref.finalize(self, _ended, self._process, self._place)
        self._told: queue.Queue[Message | BedsideError | None] = queue.Queue()
        reads = self._process.stdout
        assert reads is not None  # noqa: S101 - it was opened as a pipe
        threading.Thread(target=_listen, args=(reads, self._told), daemon=True).start()
        self._pid = os.getpid()
        ready = self._asked({"kind": "begin", **begin}, (), heard, START_SECONDS)
        self.versions: Mapping[str, str] = ready.header["versions"]

    @property
    def alive(self) -> bool:
        """Whether it can be asked by this process."""
        return self._end.alive and self._process.poll() is None and self._pid == os.getpid()

    def ask(
        self,
        header: Mapping[str, Any],
        arrays: Sequence[NDArray[Any]],
        heard: Heard,
        seconds: float,
    ) -> Message:
        """Return the answer; any failure but the child's own refusal ends the child.

        Args:
            header: What is asked.
            arrays: What comes with it.
            heard: Asked at least every `TICK` seconds; what it raises ends the child.
            seconds: Longest time.

        Raises:
            LimitExceeded: it took too long.
            PackageRefused: the child died, or the library failed.
            BedsideError: what the child refused.
        """
        return self._asked(header, arrays, heard, seconds)

    def close(self) -> None:
        """End the child, at once, whatever it is doing."""
        if self._pid == os.getpid():
            self._end()

    def _asked(
        self,
        header: Mapping[str, Any],
        arrays: Sequence[NDArray[Any]],
        heard: Heard,
        seconds: float,
    ) -> Message:
        self._heard_of_it = False
        stream = self._process.stdin
        assert stream is not None  # noqa: S101 - it was opened as a pipe
        # a child that reads nothing must not keep whoever asks from stopping it
        saying = threading.Thread(
            target=_say, args=(stream, header, arrays, self._told), daemon=True
        )
        saying.start()
        try:
            answer = self._answer(heard, time.monotonic() + seconds)
            _check_said(saying)
        except BaseException:
            self.close()
            raise
        if answer.kind == "refusal":
            raise _refused(answer.header)
        if answer.kind == "failure":
            raise PackageRefused(
                f"ANTsPyNet failed on this input: {str(answer.header.get('message'))[:500]}",
                advice="Look at the input; the model's card says what it is made for.",
            )
        return answer

    def _answer(self, heard: Heard, until: float) -> Message:
        step, done = "", 0
        while True:
            heard(step, done)
            if (taken := _resident(self._process.pid)) > self._memory:
                raise LimitExceeded(
                    f"ANTsPyNet took {taken / 2**30:.1f} GiB in the step {step!r} and was stopped; it "
                    f"may take {self._memory / 2**30:.1f} GiB.",
                    advice="Use a function that needs less, or allow it more on a larger machine.",
                )
            if time.monotonic() > until:
                raise LimitExceeded(
                    f"ANTsPyNet did not answer in time, and was stopped in the step {step!r}.",
                    advice="Try again when the machine is less busy.",
                )
            try:
                told = self._told.get(timeout=TICK)
            except queue.Empty:
                continue
            if told is None:
                raise self._died()
            if isinstance(told, BedsideError):
                raise told
            self._heard_of_it = True
            if told.kind != "step":
                return told
            step, done = str(told.header.get("words"))[:100], int(told.header.get("done", 0))

    def _died(self) -> PackageRefused:
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        words = self._words.read_bytes() if self._words.is_file() else b""
        if self._process.returncode == 0 and not self._heard_of_it:
            return Idle("The process that runs ANTsPyNet had ended by itself.")
        lines = words[-_LAST:].decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
        return PackageRefused(
            f"The process that runs ANTsPyNet ended with {self._process.returncode}; its last words: "
            f"{lines[0][:500]}",
            advice="If it was killed (-9), the machine has too little memory for this model.",
        )


def _resident(process: int) -> int:
    """Return the bytes of memory that a process has; 0 where the system does not tell (not Linux)."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _started(command: Sequence[str], words: Path, kept: Sequence[str]) -> subprocess.Popen[bytes]:
    with words.open("wb") as stderr:
        return subprocess.Popen(  # noqa: S603 - an interpreter that the operator named, and our own file
            command,
            cwd=words.parent,
            env=_environment(words.parent, kept),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )


def _environment(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return an environment without the parent's secrets, in which the libraries are quiet."""
    kept = {name: os.environ[name] for name in names if name in os.environ}
    places = ("HOME", "TMPDIR", "KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME")
    own = {
        "CUDA_VISIBLE_DEVICES": "",  # answers are those of the CPU
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",  # or registrations differ between two runs
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_DETERMINISTIC_OPS": "1",
    }
    return {**kept, **dict.fromkeys(places, str(folder)), **own}


def _say(
    stream: IO[bytes],
    header: Mapping[str, Any],
    arrays: Sequence[NDArray[Any]],
    told: queue.Queue[Message | BedsideError | None],
) -> None:
    """Write what is asked; where the child hears no more, that is its end."""
    try:
        write_message(stream, header, arrays)
    except (OSError, ValueError):  # ValueError: it was closed before
        told.put(None)


def _check_said(saying: threading.Thread) -> None:
    """Check that all was written before the answer came, so that the next question is not mixed in.

    Raises:
        PackageRefused: it was not.
    """
    saying.join(SAID_SECONDS)
    if saying.is_alive():
        raise PackageRefused("ANTsPyNet answered before it had heard all.")


def _listen(reads: IO[bytes], told: queue.Queue[Message | BedsideError | None]) -> None:
    """Hand on whatever the child writes, until it closes or writes nonsense."""
    try:
        while (message := read_message(reads)) is not None:
            told.put(message)
    except BedsideError as problem:
        told.put(PackageRefused(f"The process that runs ANTsPyNet wrote nonsense: {problem}"))
    except (OSError, ValueError):  # closed while reading
        pass
    told.put(None)


def _ended(process: subprocess.Popen[bytes], place: Workplace) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # what was left to write has no reader any more
                continue
    place.close()


def _refused(header: Mapping[str, Any]) -> BedsideError:
    """Return the error that the child told; only the kinds that it may raise."""
    may = ("ConditionsNotMet", "LimitExceeded", "NotFound", "Unavailable", "UsageError")
    name = str(header.get("error"))
    kind: type[BedsideError] = getattr(errors, name) if name in may else PackageRefused
    return kind(str(header.get("message"))[:2_000], advice=str(header.get("advice"))[:1_000])
