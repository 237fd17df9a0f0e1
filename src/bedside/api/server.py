"""Runs the application: one process, one event loop, one opened site.

SIGTERM or SIGINT stops it gracefully: it accepts no new connection, answers what it has accepted
and what still comes on open connections (each answer closing its connection), then closes idle
connections, drains the ledger's group commit and signs a checkpoint.
"""

from __future__ import annotations

import asyncio
import logging
import logging.config
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from bedside.api.app import create_app
from bedside.api.connections import Connections, room_for
from bedside.api.envelope import Service
from bedside.api.journal import STATE, configuration, tell
from bedside.api.listener import listening
from bedside.api.one_core import OneCore
from bedside.api.protocol import bounded
from bedside.site.settings import Limits
from bedside.site.site import Site

KEEP_ALIVE_SECONDS: Final = 65
"""Longer than the 60 s after which common proxies let go of an idle connection, so that they do."""

DRAIN_SECONDS: Final = 1.0
"""How long a client with an open connection may still send a request after the stop began."""


class GracefulServer(uvicorn.Server):
    """A uvicorn server that does not close a connection on which a request may be under way.

    Attributes:
        begun: Is called once, on the event loop, when requests are answered.
        core: Keeps the threads that take turns together; None where the process is not ours alone.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.begun: Callable[[], None] | None = None
        self.core: OneCore | None = None
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say so."""
        await super().startup(sockets)
        if self.core is not None:
            self.core.start()
        if self.begun is not None:
            self.begun()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl-C stops at once.

        uvicorn would raise the signal again when it has shut down, and so end the process before
        the site is closed.
        """
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, answer what still comes with `Connection: close`, then shut down."""
        self._service.draining = True
        if self.core is not None:
            self.core.stop()
        for server in self.servers:
            server.close()
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while self.server_state.connections and not self.force_exit:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


def serve(folder: Path, host: str = "127.0.0.1", port: int = 8000, log_level: str = "INFO") -> None:
    """Serve the site in `folder` until the process is told to stop.

    Raises:
        SiteProblem: the site cannot be opened, or the address is not to be had.
    """
    logging.config.dictConfig(configuration(log_level))
    with Site.open(folder) as site, listening(host, port) as listener:
        tell(STATE, logging.INFO, "listening", host=host, port=listener.getsockname()[1])
        server = server_for(create_app(site), site.settings.limits)
        server.core = OneCore()
        server.run(sockets=[listener])
        tell(STATE, logging.INFO, "stopped")


def server_for(app: FastAPI, limits: Limits) -> GracefulServer:
    """Return a server of `app`, not started."""
    connections = Connections(
        room_for(limits.connections), limits.connections_per_address, app.state.addresses.trusts
    )
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=bounded(limits, connections, lambda: app.state.direct),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=limits.shutdown_seconds,
    )
    return GracefulServer(config, app.state.service)
