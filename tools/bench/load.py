"""A small load generator: N keep-alive connections, each sending its next request on its answer.

It speaks just enough HTTP/1.1 to count answers with a Content-Length, so that the client costs
little beside the server on a machine of two cores. It talks to loopback only and is bounded in time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


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


def request_bytes(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return one POST request as it goes over the wire."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _client(port: int, request: bytes, until: float, tally: Tally) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.perf_counter() < until:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"not answered: {head[:200]!r}")
            [length] = [
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ]
            await reader.readexactly(length)
            tally.latencies.append(time.perf_counter() - begun)
    finally:
        writer.close()


def drive(port: int, request: bytes, *, clients: int, seconds: float) -> Tally:
    """Send `request` from `clients` connections for `seconds`; every answer must have status 200.

    Raises:
        RuntimeError: an answer had another status.
    """

    async def all_clients() -> Tally:
        tally = Tally()
        begun = time.perf_counter()
        await asyncio.gather(
            *(_client(port, request, begun + seconds, tally) for _ in range(clients))
        )
        tally.seconds = time.perf_counter() - begun
        return tally

    return asyncio.run(all_clients())
