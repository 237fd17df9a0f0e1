"""Ways in which a disk or a database goes wrong under a running service, and comes back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests import postgres
from tests.durability.service import wait_until

DISK_MIB = 24
"""Large enough for a site and its write-ahead log, small enough to be filled in a moment."""


class Impossible(Exception):
    """This machine does not allow it; the test that needs it is skipped with this reason."""


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, check=False)
    except FileNotFoundError as problem:
        raise Impossible(f"{command[0]} missing") from problem
    if done.returncode:
        raise Impossible(f"{command[0]}: {done.stderr.decode(errors='replace').strip()}")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a real file system of `DISK_MIB` MiB, kept in a file.

    Raises:
        Impossible: not root, or no loop devices.
    """
    image, mount = folder / "disk.img", folder / "disk"
    mount.mkdir()
    with image.open("wb") as stream:
        stream.truncate(DISK_MIB * 2**20)
    # blocks as large as a page of memory: of smaller ones SQLite allocates a part of each page that it
    # maps, and the kernel ends (SIGBUS) who touches the rest when the disk is full
    _run("mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", image)
    _run("mount", "-o", "loop", image, mount)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill a disk to its last block, until the block is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (2**20, 4096, 1):
            with suppress(OSError):
                while True:
                    stream.write(b"x" * size)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def unchangeable(folder: Path, *, mapped: bool = False) -> Iterator[None]:
    """Let every write into a folder fail, of files that are open too, as after an error of the disk.

    A mount cannot be made read-only while files on it are open for writing; the attribute can.

    Args:
        folder: With all that is in it.
        mapped: Also SQLite's `-shm` files, which it has mapped into memory. The kernel then ends
            a process that touches them, with SIGBUS, as it does after an emergency remount.

    Raises:
        Impossible: not root, or a file system without this attribute.
    """
    paths = [folder, *folder.rglob("*")]
    found = [one for one in paths if mapped or not one.name.endswith("-shm")]
    _run("chattr", "+i", *found)
    try:
        yield
    finally:
        _run("chattr", "-i", *found)


@contextmanager
def meddled(pids: Sequence[int], *injected: str) -> Iterator[None]:
    """Change what system calls of running processes do, with strace, until the block is left.

    Args:
        pids: The processes, with all their threads.
        injected: What strace injects, such as `fdatasync:delay_enter=2000000`.

    Raises:
        Impossible: no strace, or it may not attach.
    """
    if shutil.which("strace") is None:
        raise Impossible("strace missing: apt-get install strace")
    words = [word for one in injected for word in ("-e", f"inject={one}")]
    calls = ",".join(one.split(":")[0] for one in injected)
    attached = [word for pid in pids for word in ("-p", str(pid))]
    strace = subprocess.Popen(
        ["strace", "-f", "-e", f"trace={calls}", *words, "-o", "/dev/null", *attached],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert strace.stderr is not None
    try:
        said = strace.stderr.readline()
        if "attached" not in said:
            raise Impossible(f"strace: {said}")
        yield
    finally:
        strace.send_signal(signal.SIGINT)  # it detaches
        strace.wait(30)
        strace.stderr.close()


class StoppablePostgres:
    """A PostgreSQL server that keeps its folder when it is stopped; use it as a context manager."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bedside-pg-", dir="/tmp"))
        self._programs = programs
        self._user = postgres._unprivileged()
        if self._user:
            shutil.chown(self.folder, self._user)
        postgres._initialise(programs, self.folder / "data", self._user)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """The server's unix socket."""
        return self.folder / ".s.PGSQL.5432"

    @property
    def url(self) -> str:
        """The address of its one database."""
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        settings = ("-c", "listen_addresses=", "-c", "fsync=on", "-c", "max_connections=100")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self.folder / "data"), "-k", str(self.folder)),
                    *settings,
                ],
                user=self._user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        postgres._wait(self.folder, self.process)

    def stop(self, number: signal.Signals) -> None:
        """Stop it: SIGINT fast, SIGQUIT at once and without a checkpoint, SIGKILL as a crash would."""
        assert self.process is not None
        known = self._children()
        self.process.send_signal(number)
        self.process.wait(60)
        self.process = None
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in known))

    def kill_a_writer(self) -> None:
        """Kill a backend that serves somebody: the server then ends all, and recovers."""
        conninfo = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            query = (
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                "AND pid <> pg_backend_pid() ORDER BY state_change DESC NULLS LAST LIMIT 1"
            )
            row = connection.execute(query).fetchone()
            assert row is not None
            os.kill(row[0], signal.SIGKILL)

    def _children(self) -> list[int]:
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def __enter__(self) -> StoppablePostgres:
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        if self.process is not None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


class Cable:
    """A TCP port on this machine that leads to a unix socket, and that can be cut or held up."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: set[socket.socket] = set()
        self._flows = threading.Event()
        self._flows.set()
        self._cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self._cut = True
        for end in list(self._ends):
            _close(end)

    def mend(self) -> None:
        """Let connections come, and bytes flow."""
        self._cut = False
        self._flows.set()

    def hold_up(self) -> None:
        """Let nothing through, and say so to nobody: as a network that swallows what is sent."""
        self._flows.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._cut:
                _close(near)
                continue
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(str(self._to))
            except OSError:
                _close(near)
                continue
            self._ends |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                self._flows.wait()
                other.sendall(data)
        for end in (one, other):
            _close(end)
            self._ends.discard(end)

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *problem: object) -> None:
        self._flows.set()
        _close(self._listener)
        self.cut()
        time.sleep(0.01)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
