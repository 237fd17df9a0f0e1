"""The `bedside` command, and `python -m bedside`: the one place that knows more than one door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bedside.cli import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Args:
        arguments: The words after `bedside`; None takes those of this process.
    """
    run(arguments, serve)


def serve(folder: Path, host: str, port: int, workers: int) -> None:
    """Serve the site in `folder` over HTTP until the process is told to stop.

    Args:
        folder: The site's.
        host: Address to listen on.
        port: Port to listen on.
        workers: How many processes answer; one is this process itself.

    Raises:
        SiteProblem: the site cannot be opened, or the address is not to be had.
    """
    if workers > 1:
        from bedside.api.workers import serve_with_workers  # noqa: PLC0415 - no server here

        serve_with_workers(folder, host, port, workers)
        return
    from bedside.api.server import serve as serve_http  # noqa: PLC0415 - --help needs no server

    serve_http(folder, host, port)


if __name__ == "__main__":
    main()
