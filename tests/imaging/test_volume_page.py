"""The page on volumes names every refusal and every note."""

from __future__ import annotations

import re
from pathlib import Path

from bedside.errors import VolumeRefused

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "explanation" / "volumes.md").read_text(encoding="utf-8")
REFUSALS, NOTES = PAGE.split("## Refusals")[1].split("## Notes")
CODE = re.compile(r"`([a-z]+(?:-[a-z]+)*)`")


def told(part: str) -> set[str]:
    """The codes in the first column of a part's table."""
    return {
        code
        for line in part.splitlines()
        if "|" in line
        for code in CODE.findall(line.split("|")[1])
    }


def test_the_refusals_are_those_that_the_error_lists() -> None:
    assert told(REFUSALS) == set(CODE.findall((VolumeRefused.__doc__ or "").split("Codes:")[1]))


def test_the_notes_are_those_that_the_readers_write() -> None:
    room = ROOT / "src" / "bedside" / "imaging"
    sources = [room / "volume_checks.py", *room.glob("nifti/*.py"), *room.glob("dicom/*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    written = set(re.findall(r"(?:append|\[)\(?\s*\(\s*\"([a-z]+(?:-[a-z]+)*)\",", text))
    assert told(NOTES.split("## What is written")[0]) == written - set(told(REFUSALS)) | {
        "sheared",
        "localizer",
    }
