"""The refusals of this room, each with the next step; codes are `errors.PictureRefused`'s."""

from __future__ import annotations

from bedside.errors import PictureRefused
from bedside.imaging.picture import PictureLimits


def corrupt(what: str) -> PictureRefused:
    """Return the refusal of bytes that contradict their own format."""
    return PictureRefused(
        "corrupt", f"The picture is damaged: {what}.", advice="Export or send the picture again."
    )


def unsupported(what: str, advice: str) -> PictureRefused:
    """Return the refusal of a sound picture of a kind that is not read here."""
    return PictureRefused("unsupported", f"{what}.", advice=advice)


def too_large(what: str, allowed: str) -> PictureRefused:
    """Return the refusal of what is above a limit; nothing was decoded."""
    return PictureRefused(
        "too-large", f"The picture has {what}; at most {allowed}.", advice="Send a smaller picture."
    )


def several_frames(what: str) -> PictureRefused:
    """Return the refusal of a file that holds more than one picture."""
    return PictureRefused(
        "several-frames", f"{what}.", advice="Send one picture that has a single frame."
    )


def not_a_picture(what: str) -> PictureRefused:
    """Return the refusal of a sound file that is something else."""
    return PictureRefused(
        "not-a-picture", f"{what}, and no picture.", advice="Send the picture itself."
    )


def check_size(rows: int, columns: int, channels: int, limits: PictureLimits) -> None:
    """Check what a header promises, before anything is decoded.

    Raises:
        PictureRefused: no row or column (`corrupt`), or too many (`too-large`).
    """
    if rows < 1 or columns < 1:
        raise corrupt(f"it has {rows} rows and {columns} columns")
    if rows > limits.rows:
        raise too_large(f"{rows} rows", f"{limits.rows}")
    if columns > limits.columns:
        raise too_large(f"{columns} columns", f"{limits.columns}")
    if rows * columns * channels > limits.pixels:
        raise too_large(
            f"{rows} × {columns} pixels, {channels} value(s) each", f"{limits.pixels} values"
        )
