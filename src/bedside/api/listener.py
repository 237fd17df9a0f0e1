"""The socket that a service listens on, bound before anything else is opened."""

from __future__ import annotations

import socket
from typing import Final

from bedside.errors import SiteProblem

BACKLOG: Final = 2048
"""Connections that may wait to be accepted, such as while a worker is started again."""

KERNEL_BYTES: Final = 256 * 1024
"""What the kernel keeps for one connection each way (Linux takes twice that): without a bound it
lets a client that does not read, or whom we do not read, hold megabytes on each of thousands."""


def listening(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host` and `port` (0: any free one).

    Raises:
        SiteProblem: the name is unknown, or the port is taken or not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # accepted connections inherit it
                listener.setsockopt(socket.SOL_SOCKET, buffer, KERNEL_BYTES)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as problem:
        raise SiteProblem(
            f"Nothing can listen on {host}:{port}: {problem.strerror}.",
            advice="Choose another --port, or stop what holds this one.",
        ) from problem
    return listener
