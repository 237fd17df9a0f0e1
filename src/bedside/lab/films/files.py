"""Drawn films as files: PNG, and DICOM with a header that says what they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bedside.freezing.images.dicom_bytes import Header, dicom_bytes
from bedside.imaging.writing import write_png
from bedside.lab.films.collection import Order
from bedside.lab.films.film import Film, make_film


def film_png(film: Film) -> bytes:
    """Return the film as a PNG file of 8 bits; it says nothing of itself."""
    return write_png(_pixels(film))


def film_dicom(film: Film, *, negative: bool = False) -> bytes:
    """Return the film as a DICOM file of 8 bits: a DX of a chest, PA, without a patient or a date.

    Args:
        film: A drawn film.
        negative: Store it as MONOCHROME1, in which larger values are darker.
    """
    return dicom_bytes(_pixels(film), Header("DX", "CHEST", "PA", negative))


def write_films(folder: Path, orders: Sequence[Order], *, side: int = 512) -> None:
    """Write films as PNG files, named after the patient, the number and what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    for order in orders:
        film = make_film(order.patient, order.number, opacity=order.opacity, side=side)
        shown = "opacity" if film.opacity else "none"
        name = f"patient-{film.patient:05}-film-{film.number}-{shown}.png"
        (folder / name).write_bytes(film_png(film))


def _pixels(film: Film) -> NDArray[np.uint8]:
    return np.asarray(film.stored(8), dtype=np.uint8)
