"""The pictures of a data set as rows: what a package of pictures is evaluated on."""

from __future__ import annotations

import base64
from typing import Final

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.lab.datasets.manifest import IMAGE, Dataset

FIELDS: Final = (IMAGE, "modality", "body_part", "view")
"""What a package of pictures is sent; a case's other facts are what is true of it, and subgroups."""


def picture_rows(dataset: Dataset) -> list[dict[str, Json]]:
    """Return a row for each case: the picture as a client sends it, and all facts of the case.

    Raises:
        UsageError: a fact is called `image`, or a file is another one than the manifest says.
        NotFound: a case has no picture.
    """
    rows = []
    for case in dataset.cases:
        if IMAGE in case.facts:
            raise UsageError(f"The case {case.name!r} has a fact {IMAGE!r}; call it otherwise.")
        data = dataset.path_of(case, IMAGE).read_bytes()
        rows.append({IMAGE: base64.b64encode(data).decode("ascii"), **case.facts})
    return rows
