"""What a comparison of native and frozen model found."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bedside.canonical import Json


@dataclass(frozen=True, slots=True)
class Comparison:
    """Native against frozen, after it was found equal.

    Attributes:
        rows: Number of compared rows.
        largest: Largest difference of a score.
        tolerance: What was allowed.
        groups: What was tried, with the number of rows and the largest difference of each.
    """

    rows: int
    largest: float
    tolerance: float
    groups: tuple[tuple[str, int, float], ...]

    def and_also(self, other: Comparison) -> Comparison:
        """Return both comparisons as one."""
        return Comparison(
            rows=self.rows + other.rows,
            largest=max(self.largest, other.largest),
            tolerance=self.tolerance,
            groups=self.groups + other.groups,
        )

    def as_json(self) -> dict[str, Json]:
        """Return the comparison as JSON."""
        return {**asdict(self), "groups": [list(group) for group in self.groups]}


def read_comparison(told: dict[str, Json]) -> Comparison:
    """Return the comparison that `as_json` told."""
    groups = tuple((str(name), int(rows), float(most)) for name, rows, most in told["groups"])
    return Comparison(int(told["rows"]), float(told["largest"]), float(told["tolerance"]), groups)
