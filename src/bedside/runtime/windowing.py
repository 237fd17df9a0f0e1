"""The first declared operation on a picture: from its own values to 0 (dark) … 1 (bright)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.imaging import grey
from bedside.imaging.picture import Picture
from bedside.package.image_operations import (
    FixedWindow,
    FullRange,
    HeaderWindow,
    PercentileWindow,
    Windowing,
)
from bedside.runtime.flags import Flag


def unwindowed(picture: Picture, operation: Windowing) -> tuple[Flag, ...]:
    """Return a flag where a DICOM header should state a window and states none.

    A header that states what cannot be used is refused instead (`Picture.unused`). A PNG or JPEG
    never states a window, which whoever declared both knew.
    """
    wanted = isinstance(operation, HeaderWindow) and picture.facts.medium == "dicom"
    if not wanted or picture.windows:
        return ()
    return (Flag("window-not-applied", "the header states no window: the full range was used"),)


def window(picture: Picture, operation: Windowing) -> NDArray[np.float32]:
    """Return values from 0 (dark) to 1 (bright): rows × columns, or rows × columns × 3.

    A negative (MONOCHROME1) is turned over on the way, in `imaging.grey` and nowhere else.
    """
    match operation:
        case FullRange():
            return grey.full_range(picture)
        case HeaderWindow():
            return grey.header_window(picture)
        case FixedWindow():
            return grey.fixed_window(picture, operation.centre, operation.width)
        case PercentileWindow():
            return grey.percentile_window(picture, operation.low, operation.high)
