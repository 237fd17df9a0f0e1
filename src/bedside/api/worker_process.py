"""One worker of several: a process that opens a site of its own and accepts from a shared socket.

`workers` starts it. It tells its parent over a channel when it answers, or why it cannot; when the
channel ends, the parent is gone, and it stops as if it had been told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging.config
import socket
import sys
from pathlib import Path
from typing import Final

from bedside.api.app import create_app
from bedside.api.journal import configuration
from bedside.api.numbers import SharedNumbers
from bedside.api.one_core import OneCore
from bedside.api.server import GracefulServer, server_for
from bedside.errors import BedsideError
from bedside.site.site import Site

REFUSED: Final = 1
"""The exit status of a worker that could not open the site; why went over the channel."""


class Channel:
    """What a worker says to its parent, and how it finds out that the parent is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def answers(self) -> None:
        """Say that requests are answered from now on."""
        self._say({"ready": True})

    def refuses(self, error: BedsideError) -> None:
        """Say why there is nothing to answer with."""
        kind = next(
            one.__name__ for one in type(error).__mro__ if one.__module__ == "bedside.errors"
        )
        told = {"kind": kind, "message": error.message, "advice": error.advice}
        self._say({"error": told})

    def watch(self, server: GracefulServer) -> None:
        """Stop `server` when the parent is gone; called on its event loop."""
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(self._end.fileno())
            server.should_exit = True

        loop.add_reader(self._end.fileno(), gone)

    def _say(self, value: dict[str, object]) -> None:
        with contextlib.suppress(OSError):  # nobody hears it any more
            self._end.sendall(json.dumps(value).encode("ascii") + b"\n")


def main() -> None:
    """Serve until the parent says stop, or is gone; the first argument is what it asks, as JSON."""
    asked = json.loads(sys.argv[1])
    number: int = asked["worker"]
    logging.config.dictConfig(configuration(asked["log_level"], number))
    with (
        socket.socket(fileno=asked["listener"]) as listener,
        socket.socket(fileno=asked["channel"]) as end,
    ):
        channel = Channel(end)
        try:
            with Site.open(Path(asked["site"])) as site:
                _serve(site, listener, channel, SharedNumbers(Path(asked["shared"]), number))
        except BedsideError as problem:
            channel.refuses(problem)
            sys.exit(REFUSED)


def _serve(site: Site, listener: socket.socket, channel: Channel, shared: SharedNumbers) -> None:
    app = create_app(site)
    app.state.metrics.share(shared)
    server = server_for(app, site.settings.limits)
    server.core = OneCore()

    def begun() -> None:
        channel.watch(server)
        channel.answers()

    server.begun = begun
    try:
        server.run(sockets=[listener])
    finally:
        app.state.metrics.close()


if __name__ == "__main__":
    main()
