"""One volume at the command line: here and unrecorded, or as a job of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bedside.canonical import Json
from bedside.cli.answers import use_of
from bedside.cli.door import entered
from bedside.cli.packages import read_package
from bedside.cli.screen import Page, plain, progress, show, stages
from bedside.cli.volume_answers import UNRECORDED, tell_analysis
from bedside.errors import BedsideError, UsageError

if TYPE_CHECKING:
    from bedside.imaging.files import FileSet
    from bedside.jobs.job import Job
    from bedside.people.person import Caller
    from bedside.runtime.analysis import Analysis
    from bedside.runtime.engines.engine import Engines
    from bedside.serving.analysing import Analysing, Told
    from bedside.serving.analysis_words import Order
    from bedside.site.site import Site

PIECE: Final = 2**20
MODE: Final = 0o644


@dataclass(frozen=True)
class Wish:
    """What is asked at the command line.

    Attributes:
        path: Where the volume is.
        out: The folder for what comes of it.
        order: What is said of it.
        engines: What this machine has beside ONNX Runtime.
        again: Whether results that are there may be written anew.
    """

    path: Path
    out: Path
    order: Order
    engines: Engines
    again: bool
