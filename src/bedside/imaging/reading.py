"""Reads a picture. (Thin version by the lead; helper A owns it.)"""

from __future__ import annotations

import io

import numpy as np
import pydicom
from PIL import Image

from bedside.errors import PictureRefused
from bedside.imaging.picture import Facts, Picture, PictureLimits


def read_picture(data: bytes, limits: PictureLimits = PictureLimits()) -> Picture:  # noqa: B008
    """Return the picture in `data`."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" or data[:2] == b"\xff\xd8":
        try:
            image = Image.open(io.BytesIO(data))
            image.load()
        except Exception as problem:
            raise PictureRefused("corrupt", f"The picture is corrupt: {problem}.") from problem
        medium = "png" if data[:1] == b"\x89" else "jpeg"
        if image.mode not in ("L", "I;16", "RGB"):
            image = image.convert("L")
        values = np.asarray(image, dtype=np.float32)
        highest = 65535.0 if image.mode == "I;16" else 255.0
        return Picture(values, 0.0, highest, False, (), Facts(medium, *values.shape[:2]))  # type: ignore[arg-type]
    if data[128:132] == b"DICM":
        d = pydicom.dcmread(io.BytesIO(data))
        values = d.pixel_array.astype(np.float32)
        slope, intercept = float(d.get("RescaleSlope", 1)), float(d.get("RescaleIntercept", 0))
        high = float(2**d.BitsStored - 1)
        low = 0.0
        if d.PixelRepresentation:
            low, high = -(2.0 ** (d.BitsStored - 1)), 2.0 ** (d.BitsStored - 1) - 1
        facts = Facts(
            "dicom",
            *values.shape[:2],
            str(d.get("Modality") or "") or None,
            str(d.get("BodyPartExamined") or "") or None,
            str(d.get("ViewPosition") or "") or None,
            None,
            str(d.SOPInstanceUID),
        )
        return Picture(
            values * slope + intercept,
            low * slope + intercept,
            high * slope + intercept,
            d.PhotometricInterpretation == "MONOCHROME1",
            (),
            facts,
        )
    raise PictureRefused("not-a-picture", "These bytes are no PNG, JPEG or DICOM file.")
