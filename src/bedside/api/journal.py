"""The log: one JSON object a line, on stderr. It never holds an input, a header or a secret."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Final

from bedside.canonical import Json

REQUESTS: Final = logging.getLogger("bedside.requests")
FAULTS: Final = logging.getLogger("bedside.faults")
STATE: Final = logging.getLogger("bedside.state")

_FACTS: Final = "facts"


def tell(logger: logging.Logger, level: int, message: str, **facts: Json) -> None:
    """Write one line with `facts` beside the message."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={_FACTS: facts})


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object.

    Of an exception it keeps the type and the places it came through, and not its message or any
    value: a message may quote what a client sent.

    Attributes:
        worker: The number of this worker process, where there are several.
    """

    worker: int | None = None

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, Json] = {
            "at": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self.worker is not None:
            line["worker"] = self.worker
        line |= getattr(record, _FACTS, {})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = places(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True, default=str)


def places(error: BaseException) -> list[str]:
    """Return the type of `error` and of its causes, each with the places it came through."""
    told: list[str] = []
    found: BaseException | None = error
    while found is not None and len(told) < 200:
        told.append(f"{type(found).__module__}.{type(found).__qualname__}")
        told += [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(found.__traceback__)
        ]
        found = found.__cause__ or found.__context__
    return told


def configuration(level: str, worker: int | None = None) -> dict[str, Json]:
    """Return the configuration of `logging.config` under which everything is a JSON line.

    Args:
        level: Of what is written.
        worker: The number of this worker process, where there are several; each line has it.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "bedside.api.journal.utc_lines", "worker": worker}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "json",
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "uvicorn": {"handlers": [], "level": level, "propagate": True},
            "alembic": {"level": "WARNING"},
            "python_multipart": {"level": "CRITICAL"},  # whoever sent the form is told; no log is
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }


def utc_lines(worker: int | None = None) -> JsonLines:
    """Return the formatter with its clock in UTC."""
    formatter = JsonLines()
    formatter.worker = worker
    formatter.converter = time.gmtime
    return formatter
