"""Many drawn films at once, as a small network reads them, with what a lineage must say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import bedside
from bedside.errors import UsageError
from bedside.lab.films.film import make_film
from bedside.package.image_operations import Resize
from bedside.package.manifest import DataSet
from bedside.runtime.image_preprocess import ImagePreprocess

LICENCE = "Apache-2.0, as Bedside itself"
CONSENT = "nobody's data: every film is calculated, and shows no person"


class Order(NamedTuple):
    """A film that is wanted: see `film.make_film`."""

    patient: int
    number: int = 0
    opacity: bool | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Films of one split.

    Attributes:
        inputs: Films × rows × columns, float32, 0 (black) to 1 (white), shrunk.
        opacity: For each film, whether it shows an opacity.
        patients: How many different patients they show.
        digest: Of the 8-bit pixels, before shrinking, and of the labels.
    """

    inputs: NDArray[np.float32]
    opacity: NDArray[np.bool_]
    patients: int
    digest: str

    def described(self, name: str) -> DataSet:
        """Return how a package names this split."""
        return DataSet(
            name=f"drawn chest films, {name}, {self.patients} invented patients",
            digest=self.digest,
            rows=len(self.opacity),
            licence=LICENCE,
            consent_basis=CONSENT,
            origin=f"bedside {bedside.__version__}, bedside.lab.films, 8 bits",
        )


def pairs(patients: Sequence[int]) -> tuple[Order, ...]:
    """Return each patient's film twice: with and without an opacity, all else alike."""
    return tuple(Order(patient, 0, shown) for patient in patients for shown in (True, False))


def draw(
    orders: Sequence[Order], *, side: int = 512, network_side: int = 224, workers: int = 1
) -> Collection:
    """Return the films that are ordered; the same orders always give the same ones.

    Args:
        orders: At least one.
        side: Rows and columns of a film.
        network_side: Rows and columns after the declared operation `resize`, filter bilinear.
        workers: Processes that draw; with one, it is this one.

    Raises:
        UsageError: no order, or one that cannot be drawn.
    """
    if not orders:
        raise UsageError("There is no film to draw.", advice="Order at least one.")
    one = partial(_drawn, side=side, network_side=network_side)
    if workers == 1:
        films = [one(order) for order in orders]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            films = list(pool.map(one, orders, chunksize=8))
    inputs, opacity, digests = zip(*films, strict=True)
    whole = hashlib.sha256(b"".join(digests)).hexdigest()
    patients = len({order.patient for order in orders})
    return Collection(np.stack(inputs), np.array(opacity), patients, f"sha256:{whole}")


def _drawn(order: Order, side: int, network_side: int) -> tuple[NDArray[np.float32], bool, bytes]:
    film = make_film(order.patient, order.number, opacity=order.opacity, side=side)
    pixels, shown = film.stored(), film.opacity is not None
    unit = pixels.astype(np.float32) / np.float32(255)
    size = Resize(rows=network_side, columns=network_side, filter="bilinear")
    shrunk = ImagePreprocess((size,))(unit).tensor[0]
    return shrunk, shown, hashlib.sha256(pixels.tobytes() + bytes([shown])).digest()
