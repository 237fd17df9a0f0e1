"""Files that come of an attempt: sealed, and named and typed as nothing else can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.clock import new_id
from bedside.jobs.folder import JobFiles
from bedside.jobs.frames import Frame, Garbled, spell_json
from bedside.jobs.sealing import Sealing

MASK: dict[str, Json] = {"name": "mask.nii.gz", "media_type": "application/gzip"}


@pytest.fixture
def sealing(tmp_path: Path) -> Sealing:
    return Sealing(JobFiles(tmp_path / "files"), new_id(), 1)


def begin(sealing: Sealing, about: dict[str, Json]) -> None:
    sealing.take(Frame.FILE, spell_json(Frame.FILE, about)[5:])


def test_a_file_of_a_child_is_kept_as_it_named_it(sealing: Sealing) -> None:
    begin(sealing, MASK)
    sealing.take(Frame.PIECE, b"grid")
    assert sealing.take(Frame.END, b"")
    (kept,) = sealing.files
    assert (kept.name, kept.media_type, kept.size) == (*MASK.values(), 4)


@pytest.mark.parametrize(
    "change",
    [
        {"name": 'a"\r\nset-cookie: x.png'},
        {"name": "../site.toml"},
        {"name": ".hidden"},
        {"name": "a" * 101},
        {"name": None},
        {"media_type": "text/html"},
        {"media_type": "image/svg+xml"},
        {"media_type": ["image/png"]},
    ],
    ids=["header", "path", "hidden", "long", "none", "page", "drawing", "list"],
)
def test_a_name_or_type_that_is_none_here_is_refused(
    sealing: Sealing, change: dict[str, Json]
) -> None:
    with pytest.raises(Garbled):
        begin(sealing, MASK | change)
    assert sealing.files == []


def test_no_name_stands_twice(sealing: Sealing) -> None:
    begin(sealing, MASK)
    sealing.take(Frame.END, b"")
    with pytest.raises(Garbled, match="one name"):
        begin(sealing, MASK)
