"""Pictures made while freezing, written as files of the declared kinds."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.errors import FreezeRefused
from bedside.freezing.images.dicom_bytes import Header, dicom_bytes
from bedside.freezing.rows import RawRow
from bedside.imaging.writing import write_jpeg, write_png
from bedside.package.image_operations import FixedWindow, Windowing
from bedside.package.images import ImageInput, Medium

Pixels = NDArray[np.uint8]
"""Rows × columns, or rows × columns × 3; 0 is dark."""


@dataclass(frozen=True, slots=True)
class PictureWriter:
    """Writes pictures so that the declared window gives their values back.

    Attributes:
        declared: The domain that they must lie in.
        windowing: The declared window.
    """

    declared: ImageInput
    windowing: Windowing

    @property
    def usual(self) -> Medium:
        """The kind of file that is written where nothing else is asked: the smallest exact one."""
        order: tuple[Medium, ...] = ("png", "dicom", "jpeg")
        return next(one for one in order if one in self.declared.media)

    def row(
        self, pixels: Pixels, medium: Medium | None = None, *, negative: bool = False
    ) -> RawRow:
        """Return `pixels` as a client would send them, with what the domain asks to be stated.

        Args:
            pixels: Values from 0 (dark) to 255 (bright).
            medium: The kind of file; the usual one where None.
            negative: Whether a DICOM file is written as MONOCHROME1.
        """
        medium = medium or self.usual
        if medium == "dicom":
            return {"image": _text(dicom_bytes(pixels, self._header(negative)))}
        writer = write_png if medium == "png" else write_jpeg
        stated = {"modality": self.declared.modalities[0], **self._stated()}
        return {"image": _text(writer(self._through_window(pixels))), **stated}

    def _stated(self) -> dict[str, str]:
        lists = {"body_part": self.declared.body_parts, "view": self.declared.views}
        return {name: values[0] for name, values in lists.items() if values}

    def _header(self, negative: bool) -> Header:
        slope, intercept = 1.0, 0.0
        if isinstance(self.windowing, FixedWindow):
            low, width = _ends(self.windowing)
            slope, intercept = width / 255, low
        return Header(
            self.declared.modalities[0],
            self._stated().get("body_part"),
            self._stated().get("view"),
            negative,
            slope,
            intercept,
        )

    def _through_window(self, pixels: Pixels) -> Pixels:
        """Return the values that a fixed window turns into `pixels`.

        Raises:
            FreezeRefused: the window lies outside of what 8 bits hold.
        """
        if not isinstance(self.windowing, FixedWindow):
            return pixels
        low, width = _ends(self.windowing)
        if low >= 255 or low + width <= 0:
            raise FreezeRefused(
                f"The fixed window (centre {self.windowing.centre:g}, width "
                f"{self.windowing.width:g}) sees nothing of a PNG or JPEG, whose values go from 0 "
                "to 255.",
                advice='Declare media = ["dicom"], or another window.',
            )
        values = np.asarray(low + pixels / 255 * width, dtype=np.float64)
        return np.clip(np.round(values), 0, 255).astype(np.uint8)


def quantised(unit: NDArray[np.float32] | NDArray[np.float64]) -> Pixels:
    """Return values from 0 to 1 as 8 bits."""
    return np.round(np.clip(np.asarray(unit, dtype=np.float64), 0, 1) * 255).astype(np.uint8)


def _ends(window: FixedWindow) -> tuple[float, float]:
    """Return the lowest value that the window shows, and how far it reaches.

    Source: DICOM PS3.3, section C.11.2.1.2.1 (LINEAR).
    """
    reach = max(window.width - 1, 1.0)
    return window.centre - 0.5 - reach / 2, reach


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
