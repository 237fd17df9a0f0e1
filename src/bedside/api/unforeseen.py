"""An error that nobody foresaw: the log has where it happened, whoever asked an id to name it by."""

from __future__ import annotations

import logging
from http import HTTPStatus

from bedside.api.journal import FAULTS
from bedside.api.problems import Problem
from bedside.clock import new_id


def unforeseen(error: Exception, path: str) -> Problem:
    """Return what to say of `error`, without internals, once it is in the log under the same id."""
    fault = new_id()
    FAULTS.log(logging.ERROR, "unforeseen", extra={"facts": {"id": fault}}, exc_info=error)
    return Problem(
        kind="internal-error",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="An error that nobody foresaw; whether it was recorded is uncertain.",
        advice=f"Tell whoever operates this service the id {fault}.",
        instance=path,
        more={"id": fault},
    )
