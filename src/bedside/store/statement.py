"""One statement in the spelling of each driver; nothing of SQLAlchemy is needed for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

DriverRow: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in the spelling of each driver.

    Attributes:
        sqlite: With a question mark for each value.
        postgresql: With `%s` for each value.
    """

    sqlite: str
    postgresql: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "postgresql", self.sqlite.replace("?", "%s"))

    @classmethod
    def inserting(cls, table: str, columns: Sequence[str], rows: int = 1) -> Statement:
        """Return the statement that inserts so many rows at once."""
        row = "(" + ", ".join("?" * len(columns)) + ")"
        names = ", ".join(columns)
        return cls(f"INSERT INTO {table} ({names}) VALUES " + ", ".join([row] * rows))  # noqa: S608 - names of ours


class Asks(Protocol):
    """What a query can be asked of."""

    def rows(self, statement: Statement, values: Sequence[object] = ()) -> list[DriverRow]:
        """Return what a query finds."""
        ...


class AnyOf:
    """A query for the rows in which a column has one of several values.

    The number of values is filled up to a power of two by repeating the last: few texts to remember.
    """

    def __init__(self, query: str, most: int = 64) -> None:
        """Keep a query that ends in `WHERE column`, asked for at most `most` values at once."""
        self._most = most
        self._statements = {
            count: Statement(f"{query} IN ({', '.join('?' * count)})")
            for count in [1 << bit for bit in range(most.bit_length())]
        }

    def parts(self, values: Sequence[str]) -> Iterator[tuple[Statement, list[str]]]:
        """Yield each statement to ask, with its values; none where there are no values."""
        for start in range(0, len(values), self._most):
            part = list(values[start : start + self._most])
            count = 1 << (len(part) - 1).bit_length()
            yield self._statements[count], part + part[-1:] * (count - len(part))
