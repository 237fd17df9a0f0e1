from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from bedside.api.journal import REQUESTS, configuration, tell
from bedside.api.request_lines import Line, RequestLines

LINE = Line(1_795_000_000.0625, "answered", "POST", "predict", 200, 1.25, "some person's \\ id")


@contextmanager
def service_log() -> Iterator[io.StringIO]:
    """The log as the service sets it up, and nobody else listens; written into memory."""
    root, before = logging.root, (logging.root.handlers[:], logging.root.level)
    logging.config.dictConfig(configuration("INFO", 3) | {"loggers": {}})
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    found = io.StringIO()
    handler.setStream(found)
    try:
        yield found
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def add(lines: RequestLines, *added: Line) -> None:
    for line in added:
        lines.add(line)
    await asyncio.sleep(0.05)


def test_lines_that_come_together_are_written_together() -> None:
    others = [LINE._replace(person=None, message="left", status=499), LINE._replace(method='G"T')]
    with service_log() as stream:
        asyncio.run(add(RequestLines(), LINE, *others))
    found = lines_of(stream)
    assert [(one["message"], one["status"], one["person"]) for one in found] == [
        ("answered", 200, LINE.person),
        ("left", 499, None),
        ("answered", 200, LINE.person),
    ]
    assert found[2]["method"] == 'G"T'


def test_a_line_is_the_one_of_the_logs_formatter() -> None:
    facts = {name: getattr(LINE, name) for name in ("method", "route", "status", "ms", "person")}
    with service_log() as stream:
        asyncio.run(add(RequestLines(), LINE))
        tell(REQUESTS, logging.INFO, "answered", **facts)
    quick, usual = stream.getvalue().splitlines()
    at = json.loads(quick)["at"]
    moment = datetime.fromtimestamp(LINE.at, UTC)
    assert at == f"{moment:%Y-%m-%dT%H:%M:%S}.062Z"
    assert quick == usual.replace(json.loads(usual)["at"], at)


def test_where_somebody_else_listens_each_line_goes_the_usual_way_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "bedside.requests")
    RequestLines().add(LINE)
    (record,) = caplog.records
    assert getattr(record, "facts", {})["person"] == LINE.person


def test_what_is_not_wanted_is_not_written() -> None:
    with service_log() as stream:
        logging.root.setLevel(logging.WARNING)
        RequestLines().add(LINE)
    assert stream.getvalue() == ""
