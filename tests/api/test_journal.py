from __future__ import annotations

import json
import logging
from types import TracebackType

import pytest

from bedside.api.journal import configuration, utc_lines


def raised(error: Exception) -> tuple[type[BaseException], BaseException, TracebackType]:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.type, caught.value, caught.tb


def line_of(error: Exception | None = None, **facts: object) -> dict[str, object]:
    record = logging.LogRecord("bedside.test", logging.ERROR, __file__, 1, "told %s", ("so",), None)
    record.created, record.msecs = 1795248000.25, 250.0
    record.facts = facts
    if error is not None:
        record.exc_info = raised(error)
    text = utc_lines().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_a_line_is_one_json_object_in_utc() -> None:
    assert line_of(status=200) == {
        "at": "2026-11-21T08:00:00.250Z",
        "level": "error",
        "logger": "bedside.test",
        "message": "told so",
        "status": 200,
    }


def test_an_exception_tells_where_and_never_what() -> None:
    cause = ValueError("patient-7 has 98765")
    error = RuntimeError("patient-7 again")
    error.__cause__ = cause
    line = line_of(error)
    text = json.dumps(line)
    assert "builtins.RuntimeError" in text
    assert "builtins.ValueError" in text
    assert "test_journal.py" in text
    assert "patient-7" not in text


def test_requests_are_told_once_and_by_us() -> None:
    loggers = configuration("INFO")["loggers"]
    assert loggers["uvicorn.access"]["propagate"] is False
