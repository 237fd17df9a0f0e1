"""A private PostgreSQL server for one test session: a folder, a unix socket, no network."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

START_SECONDS = 60.0
CHOICES = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
SETTINGS = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")


def programs() -> Path | None:
    """Return the folder that holds initdb and postgres, or None where there is none."""
    folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in (*installed, *folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


class Server:
    """A running server; `url` names one of its databases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def new_database(self) -> str:
        """Return the url of a new, empty database."""
        self._made += 1
        name = f"test_{self._made}"
        self._administer(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        name = make_url(url).database
        self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _administer(self, command: str) -> None:
        conninfo = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(command.encode())


@contextmanager
def running(bin_folder: Path) -> Iterator[Server]:
    """Start a server, give it, and stop it by its own process id."""
    folder = Path(
        tempfile.mkdtemp(prefix="bedside-pg-", dir="/tmp")
    )  # a socket's path must be short
    user = _unprivileged()
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    try:
        _initialise(bin_folder, data, user)
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(bin_folder / "postgres"), "-D", str(data), "-k", str(folder), *SETTINGS],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            _wait(folder, server)
            yield Server(folder)
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" stop: it waits for no client
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(bin_folder: Path, data: Path, user: str | None) -> None:
    subprocess.run(
        [str(bin_folder / "initdb"), "-D", str(data), *CHOICES],
        check=True,
        user=user,
        cwd=data.parent,
        stdout=subprocess.DEVNULL,
    )


def _unprivileged() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wait(folder: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError as problem:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {log}") from problem
            time.sleep(0.05)
        else:
            return
