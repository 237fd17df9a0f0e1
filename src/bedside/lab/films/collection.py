"""Many drawn films at once, as a small network reads them, with what a lineage must say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import NamedTuple, TypeAlias

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


Drawn: TypeAlias = tuple[NDArray[np.float32], bool, bytes]
"""A shrunk film, whether it shows an opacity, and a digest of its pixels and of that."""


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
    splits: Mapping[str, Sequence[Order]],
    *,
    side: int = 512,
    network_side: int = 224,
    workers: int = 1,
) -> dict[str, Collection]:
    """Return the films that are ordered; the same orders always give the same ones.

    Args:
        splits: Orders by the name of their split; at least one each.
        side: Rows and columns of a film.
        network_side: Rows and columns after the declared operation `resize`, filter bilinear.
        workers: Processes that draw; with one, it is this one.

    Raises:
        UsageError: a split without an order, a patient in two splits, or a film that cannot be
            drawn.
    """
    _check(splits)
    orders = [order for split in splits.values() for order in split]
    one = partial(_drawn, side=side, network_side=network_side)
    if workers == 1:
        films = [one(order) for order in orders]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            films = list(pool.map(one, orders, chunksize=8))
    drawn = iter(films)
    return {
        name: _collected(split, list(islice(drawn, len(split)))) for name, split in splits.items()
    }


def _check(splits: Mapping[str, Sequence[Order]]) -> None:
    home: dict[int, str] = {}
    for name, split in splits.items():
        if not split:
            raise UsageError(f"The {name} split has no film.", advice="Order at least one.")
        for order in split:
            if home.setdefault(order.patient, name) != name:
                raise UsageError(
                    f"Patient {order.patient} is in the {home[order.patient]} and the {name} split.",
                    advice="Keep all films of a patient in one split.",
                )


def _collected(orders: Sequence[Order], films: Sequence[Drawn]) -> Collection:
    inputs, opacity, digests = zip(*films, strict=True)
    whole = hashlib.sha256(b"".join(digests)).hexdigest()
    patients = len({order.patient for order in orders})
    return Collection(np.stack(inputs), np.array(opacity), patients, f"sha256:{whole}")


def _drawn(order: Order, side: int, network_side: int) -> Drawn:
    film = make_film(order.patient, order.number, opacity=order.opacity, side=side)
    pixels, shown = film.stored(), film.opacity is not None
    unit = pixels.astype(np.float32) / np.float32(255)
    size = Resize(rows=network_side, columns=network_side, filter="bilinear")
    shrunk = ImagePreprocess((size,))(unit).tensor[0]
    return shrunk, shown, hashlib.sha256(pixels.tobytes() + bytes([shown])).digest()
