"""A small load generator: N keep-alive connections, each sending its next request on its answer.

One thread over epoll with prepared bytes, so that it costs little beside the server on a machine of
two cores. It talks to loopback only and is bounded in time.
"""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field

STALLED_SECONDS = 30.0
_LENGTH = b"\r\ncontent-length:"


@dataclass(slots=True)
class Tally:
    """What one run saw: latencies in seconds of the answers that came with status 200."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def quantile(self, q: float) -> float:
        """Return the latency in milliseconds below which the share `q` of the answers came."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]


class _Client:
    """One connection."""

    __slots__ = ("begun", "received", "socket", "wanted")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self.received = b""
        self.wanted = 0

    def ask(self, request: bytes) -> None:
        """Send the next request; it is small enough for the socket's buffer, or waits for it."""
        self.received, self.wanted = b"", 0
        self.begun = time.perf_counter()
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Take what came; return whether the answer is whole.

        Raises:
            RuntimeError: another status than 200, or the connection was closed.
        """
        self.received += self.socket.recv(1 << 16)
        if not self.wanted:
            end = self.received.find(b"\r\n\r\n")
            if end < 0 and self.received:
                return False
            head = self.received[: end + 2]
            at = head.lower().find(_LENGTH)
            if not head.startswith(b"HTTP/1.1 200") or at < 0:
                raise RuntimeError(f"not answered: {self.received[:300]!r}")
            stop = head.index(b"\r\n", at + len(_LENGTH))
            self.wanted = end + 4 + int(head[at + len(_LENGTH) : stop])
        return len(self.received) >= self.wanted


def drive(port: int, request: bytes, *, clients: int, seconds: float) -> Tally:
    """Send `request` from `clients` connections for `seconds`; every answer must have status 200.

    Raises:
        RuntimeError: an answer had another status, or none came for `STALLED_SECONDS`.
    """
    tally = Tally()
    with selectors.DefaultSelector() as selector:
        crowd = [_Client(port) for _ in range(clients)]
        try:
            for client in crowd:
                selector.register(client.socket, selectors.EVENT_READ, client)
            begun = time.perf_counter()
            for client in crowd:
                client.ask(request)
            waiting = clients
            while waiting:
                ready = selector.select(STALLED_SECONDS)
                if not ready:
                    raise RuntimeError(f"no answer within {STALLED_SECONDS:g} s")
                for key, _ in ready:
                    client = key.data
                    if not client.answered():
                        continue
                    now = time.perf_counter()
                    tally.latencies.append(now - client.begun)
                    if now - begun < seconds:
                        client.ask(request)
                    else:
                        waiting -= 1
            tally.seconds = time.perf_counter() - begun
        finally:
            for client in crowd:
                client.socket.close()
    return tally
