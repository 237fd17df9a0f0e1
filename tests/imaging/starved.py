"""Reads pictures in a process that may take hardly any more memory; one line of answer each."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import gdcm  # noqa: F401 - every decoder is in memory before memory is limited
import openjpeg.utils  # noqa: F401 - the same
import pydicom.pixels.decoders.base  # noqa: F401 - the same

from bedside.errors import PictureRefused
from bedside.imaging.picture import PictureLimits
from bedside.imaging.reading import read_picture

MORE = 96 * 2**20


def limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MORE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answer(path: str) -> tuple[str, float]:
    data = Path(path).read_bytes()
    start = time.process_time()
    try:
        read_picture(data, PictureLimits())
    except PictureRefused as refused:
        return refused.code, time.process_time() - start
    return "read", time.process_time() - start


if __name__ == "__main__":
    limit_memory()
    for one in sys.argv[1:]:
        print(json.dumps([one, *answer(one)]))  # noqa: T201 - the answer
