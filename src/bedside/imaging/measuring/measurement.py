"""One measured quantity with its unit, and the method that gave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bedside.canonical import Json

MethodName: TypeAlias = Literal["volume", "extents", "centre", "head-centre", "regions"]
"""What can be asked for."""

METHODS: Final[tuple[MethodName, ...]] = ("volume", "extents", "centre", "head-centre", "regions")

TOWARDS: Final = ("right", "front", "head")
"""What grows along the three axes of the scanner's RAS+ frame, as seen by the patient."""

_DECIMALS: Final = {"mL": 3, "mm": 2, "1": 4}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A quantity as it was measured, not rounded.

    Attributes:
        quantity: Such as `volume`, `extents`, `centre`, `head-centre`, `region-count`,
            `region-volume`, `region-centre`, `dice`.
        values: One number; or one for each of `parts`.
        unit: UCUM: `mL`, `mm`, or `1` for what has none.
        method: What was computed, such as `voxel-count`.
        version: Of the method; a change of its arithmetic raises it.
        parts: What the values are where there are several, such as ("right", "front", "head").
        region: 1 for the largest region, 2 for the next; None where it is of the whole.
        note: What it is relative to, or empty.
    """

    quantity: str
    values: tuple[float, ...]
    unit: str
    method: str
    version: int = 1
    parts: tuple[str, ...] = ()
    region: int | None = None
    note: str = ""

    def told(self) -> dict[str, Json]:
        """Return it as JSON: to 1 µL, 10 µm, or four digits after the point."""
        digits = _DECIMALS.get(self.unit, 6)
        rounded = [_plain(round(value, digits) + 0.0, self.unit) for value in self.values]
        told: dict[str, Json] = {"quantity": self.quantity}
        if self.region is not None:
            told["region"] = self.region
        told["value"] = dict(zip(self.parts, rounded, strict=True)) if self.parts else rounded[0]
        told |= {"unit": self.unit, "method": self.method, "version": self.version}
        return told | ({"note": self.note} if self.note else {})


def _plain(value: float, unit: str) -> float | int:
    """Return a count as a whole number."""
    return int(value) if unit == "1" and value.is_integer() else value
