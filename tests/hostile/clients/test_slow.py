"""Clients that are slow on purpose: in sending a head, a body, or in taking an answer."""

from __future__ import annotations

import re
import socket
import time

import pytest

from tests.hostile.clients.attacking import (
    PREDICT,
    Site,
    drain,
    many,
    others_are_served,
    statuses,
)
from tests.hostile.clients.conftest import SECONDS

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

MIB = 2**20


def test_heads_that_dribble_in_are_given_up(site: Site) -> None:
    with (
        others_are_served(site, memory=40 * MIB),
        many(site, 300, "127.0.0.3") as attackers,
    ):
        begun = time.monotonic()
        for one in attackers:
            one.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ")
        while time.monotonic() - begun < SECONDS + 0.5:
            for one in attackers:
                try:
                    one.sendall(b"a")
                except OSError:
                    continue
            time.sleep(0.25)
        told = [statuses(drain(one)) for one in attackers]
        assert time.monotonic() - begun < SECONDS * 5
    assert all(one in ([408], []) for one in told), told
    assert told.count([408]) > 250


def test_bodies_that_dribble_in_are_given_up(site: Site) -> None:
    head = site.head("content-type: application/json", "content-length: 100000")
    with others_are_served(site, memory=40 * MIB), many(site, 60, "127.0.0.3") as attackers:
        for one in attackers:
            one.sendall(head + b"{")
        begun = time.monotonic()
        while time.monotonic() - begun < SECONDS + 0.5:
            for one in attackers:
                try:
                    one.sendall(b" ")
                except OSError:
                    continue
            time.sleep(0.25)
        told = [statuses(drain(one)) for one in attackers]
    assert all(one in ([408], []) for one in told), told
    assert told.count([408]) > 50


@pytest.mark.parametrize("path", [PREDICT, "/v1/predictions/0/decision"])
def test_one_person_with_slow_bodies_leaves_room_for_others(site: Site, path: str) -> None:
    """The clinician has three quarters of what is in flight, and everybody else the rest."""
    head = site.head("content-type: application/json", "content-length: 100")
    head = f"POST {path} HTTP/1.1".encode() + head[head.index(b"\r\n") :]
    with (
        others_are_served(site, memory=60 * MIB, role="auditor"),
        many(site, 280, "127.0.0.3") as attackers,
    ):
        for one in attackers:
            one.sendall(head + b"{")
        told = [code for one in attackers for code in statuses(drain(one))]
    assert set(told) == {408, 503}, set(told)
    assert told.count(408) <= 192
    assert told.count(503) >= 80


@pytest.mark.parametrize(
    ("path", "clients"), [("/docs/assets/swagger-ui-bundle.js", 200), ("/openapi.json", 250)]
)
def test_whoever_does_not_take_the_answer_is_cut_off(site: Site, path: str, clients: int) -> None:
    """They ask for much and read nothing; what does not fit into the sockets is not kept for long."""
    asked = f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode() * 8
    with (
        others_are_served(site, memory=45 * MIB),
        many(site, clients, "127.0.0.3", receive=4096) as attackers,
    ):
        for one in attackers:
            one.sendall(asked)
        time.sleep(SECONDS * 2)
        cut, told = 0, []
        for one in attackers:
            whole, open_still = taken(one)
            cut += not open_still
            told += whole
    assert cut >= 40, "some had more to take than a socket holds"
    assert set(told) <= {200, 503}


def taken(connection: socket.socket) -> tuple[list[int], bool]:
    """Return the statuses of the whole answers that are here, and whether the connection is open.

    One that is open has no answer left to take: a part of one is an answer that somebody still keeps.
    """
    connection.settimeout(0.02)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    data, open_still = b"", False
    try:
        while more := connection.recv(1 << 20):
            data += more
    except TimeoutError:
        open_still = True
    except ConnectionError:
        pass
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if length is None or len(rest) < int(length[1]):
            assert not open_still, "an answer is partly here, and nobody is waiting for us any more"
            break
        found.append(int(head[9:12]))
        data = rest[int(length[1]) :]
    return found, open_still
