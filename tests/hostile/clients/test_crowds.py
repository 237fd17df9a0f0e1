"""More connections than anybody needs: idle, active, and beyond what the process may open."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.running import running
from tests.hostile.clients.attacking import (
    Honest,
    Site,
    drain,
    many,
    others_are_served,
    statuses,
)
from tests.hostile.clients.conftest import closed_hospital

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

MIB = 2**20
ASKED = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
FILES = 400
"""What the process of `narrow` may open."""


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that may open few files, with the usual limits otherwise."""
    before = f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        hospital = closed_hospital(tmp_path_factory.mktemp("narrow") / "site", header_seconds=20)
        with running(hospital.site.folder, before) as server:
            yield Site(server, hospital)
            assert server.process.poll() is None


def is_answered(one: socket.socket) -> bool:
    """Ask whether the service lives; return whether it says so, and the connection may be used again."""
    one.sendall(ASKED)
    answer = b""
    while not answer.endswith(b'{"status":"alive"}'):
        if not (more := one.recv(65536)):
            return False
        answer += more
    return statuses(answer) == [200]


def test_a_thousand_idle_connections_keep_nobody_out(site: Site) -> None:
    with others_are_served(site, memory=60 * MIB, keeps=False), many(site, 1000, "127.0.0.3"):
        time.sleep(1)


def test_a_thousand_connections_that_ask_all_at_once_are_all_answered(site: Site) -> None:
    with (
        others_are_served(site, memory=80 * MIB, keeps=False),
        many(site, 1000, "127.0.0.3") as opened,
    ):
        for one in opened:
            one.sendall(ASKED)
        found = [one.recv(65536)[:12] for one in opened]
    assert found == [b"HTTP/1.1 200"] * 1000


def test_one_address_makes_room_for_itself_by_its_oldest(site: Site) -> None:
    """One beyond a thousand: the connection of this address that waited longest is closed."""
    with others_are_served(site, memory=60 * MIB), many(site, 999, "127.0.0.4") as opened:
        assert is_answered(opened[0])
        with many(site, 11, "127.0.0.4") as more:
            assert all(is_answered(one) for one in more)
            assert is_answered(opened[0]), "it had asked, others not"
            opened[1].settimeout(5)
            assert drain(opened[1]) == b"", "the first that never asked"


def test_a_flood_beyond_the_limit_of_files_is_survived(narrow: Site) -> None:
    """Thrice as many connections as the process may open, from many addresses, none ever asking."""
    honest = Honest(narrow, keeps=False)
    honest.start()
    held: list[socket.socket] = []
    try:
        for number in range(FILES * 3):
            held.append(narrow.connect(f"127.0.1.{number % 200 + 1}"))
        time.sleep(0.5)
        assert narrow.files() < FILES
    finally:
        honest.finish()
        for one in held:
            one.close()
    assert set(honest.statuses) == {200}, honest.statuses
    told = [line for line in narrow.server.lines() if "as many connections" in str(line["message"])]
    assert told, "the log says nothing of it"
    assert len(told) < 5


def test_even_a_limit_that_shrinks_while_serving_is_survived(narrow: Site) -> None:
    """`accept` itself fails then; the listener must stay."""
    process = narrow.server.process.pid
    resource.prlimit(process, resource.RLIMIT_NOFILE, (narrow.files() + 20, FILES))
    try:
        held = []
        for number in range(100):
            held.append(narrow.connect(f"127.0.2.{number + 1}"))
        time.sleep(0.5)
        for one in held:
            one.close()
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, (FILES, FILES))
    deadline = time.monotonic() + 10
    while statuses(narrow.exchange(ASKED.replace(b"x\r\n", b"x\r\nconnection: close\r\n"))) != [
        200
    ]:
        assert time.monotonic() < deadline, "it accepts nobody any more"
        time.sleep(0.1)


def test_connections_that_come_and_go_leave_nothing_behind(site: Site) -> None:
    def come_and_go() -> None:
        for _ in range(250):
            with site.connect("127.0.0.5") as one:
                one.sendall(ASKED[:20])

    before = site.files()
    with others_are_served(site, memory=40 * MIB):
        crowd = [threading.Thread(target=come_and_go) for _ in range(8)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
    deadline = time.monotonic() + 10
    while site.files() > before + 5:
        assert time.monotonic() < deadline, (before, site.files())
        time.sleep(0.1)


def test_the_server_raises_its_own_limit_of_files_where_it_may(tmp_path: Path) -> None:
    before = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (300, 5000))\n"
    hospital = closed_hospital(tmp_path / "site")
    with running(hospital.site.folder, before) as server:
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert (soft, hard) == (2000 + 128, 5000)
