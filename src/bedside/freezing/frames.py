"""The author's table as rows that a client would send, and such rows as a table for the model."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bedside.canonical import Json, digest
from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.rows import RawRow
from bedside.package.fields import CategoryField, InputField, Missing, NumberField
from bedside.package.manifest import DataSet

Table: TypeAlias = pd.DataFrame | NDArray[np.generic] | Sequence[Mapping[str, Json]]


def as_frame(data: object, fields: tuple[InputField, ...]) -> pd.DataFrame:
    """Return `data` as a frame that has a column for every declared field.

    An array takes the names of `fields`, in their order.

    Raises:
        UsageError: data of another kind than a frame, an array or rows.
        FreezeRefused: no rows, a declared field that is not in the data or stands there twice, or
            a column of truth values.
    """
    names = [field.name for field in fields]
    frame = _framed(data, names)
    columns = list(frame.columns)
    if twice := [name for name in names if columns.count(name) > 1]:
        raise FreezeRefused(
            f"The data has the column {twice[0]!r} twice.", advice="Keep one of the two."
        )
    if absent := [name for name in names if name not in frame.columns]:
        raise FreezeRefused(
            f"The data has no column for {absent}; its columns are {list(frame.columns)}.",
            advice="Correct the names in the spec, or bring these columns.",
        )
    if frame.empty:
        raise FreezeRefused("The data has no rows.", advice="Bring rows to compare with.")
    for name in names:
        if pd.api.types.is_bool_dtype(frame[name].dtype):
            raise FreezeRefused(
                f"The column {name!r} holds truth values (True, False).",
                advice=f"Turn {name!r} into codes such as 0 and 1 or 'no' and 'yes', declare it "
                "as a category field, and fit again.",
            )
    return frame


def _framed(data: object, names: list[str]) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data.rename(columns=str)
    if isinstance(data, np.ndarray):
        if data.ndim != 2 or data.shape[1] != len(names):
            raise FreezeRefused(
                f"The data has the shape {data.shape}; the spec declares {len(names)} fields.",
                advice="Give one column for each declared field, in the spec's order.",
            )
        return pd.DataFrame(data, columns=names)
    if isinstance(data, list | tuple) and all(isinstance(row, Mapping) for row in data):
        return pd.DataFrame([dict(row) for row in data])
    raise UsageError(
        f"`data` is a {type(data).__name__}.",
        advice="Give a pandas DataFrame, a NumPy array in the spec's order, or a list of rows like "
        "{'age': 61}.",
    )


def raw_rows(frame: pd.DataFrame, fields: tuple[InputField, ...]) -> list[RawRow]:
    """Return the rows of `frame` as a client would send them.

    Raises:
        FreezeRefused: a value that is of another type than its field declares.
    """
    columns = {field.name: [_raw(v, field) for v in frame[field.name]] for field in fields}
    return [{name: column[i] for name, column in columns.items()} for i in range(len(frame))]


def _raw(value: object, field: InputField) -> Json:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(field, NumberField):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value) if field.whole and _is_whole(value) else value
    elif isinstance(field.categories[0], str):
        if isinstance(value, str):
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool) and _is_whole(value):
        return int(value)
    wanted = "a number" if isinstance(field, NumberField) else f"one of {list(field.categories)}"
    raise FreezeRefused(
        f"The data holds {value!r} ({type(value).__name__}) for {field.name!r}, which is declared "
        f"as {wanted}.",
        advice="Correct the data, or the declaration of this field.",
    )


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or value.is_integer()


@dataclass(frozen=True, slots=True)
class NativeTable:
    """How to lay out rows for the native model, as its author laid them out.

    Attributes:
        fields: The declared fields, in the order of the native columns.
        named: Whether the model was fitted with column names; else it gets a bare array.
        objects: Fields whose column the author keeps as Python objects.
        nones: Those among them where a missing value is None, not NaN.
    """

    fields: tuple[InputField, ...]
    named: bool
    objects: frozenset[str]
    nones: frozenset[str]

    @classmethod
    def like(
        cls, frame: pd.DataFrame, fields: tuple[InputField, ...], names: tuple[str, ...] | None
    ) -> NativeTable:
        """Return the layout of `frame`; `names` are those that the model was fitted on.

        Raises:
            FreezeRefused: the model takes columns by position, and the data has them in another
                order than the spec.
        """
        if names is None:
            _refuse_other_order(frame, fields)
        else:
            fields = tuple(sorted(fields, key=lambda field: names.index(field.name)))
        loose = [f.name for f in fields if frame[f.name].dtype == object]
        nones = [name for name in loose if any(value is None for value in frame[name])]
        return cls(fields, names is not None, frozenset(loose), frozenset(nones))

    def __call__(self, rows: Sequence[RawRow]) -> pd.DataFrame | NDArray[np.generic]:
        """Return `rows` as what the native model takes."""
        columns = {f.name: self._column(f, [row[f.name] for row in rows]) for f in self.fields}
        frame = pd.DataFrame(columns)
        return frame if self.named else frame.to_numpy()

    def _column(self, field: InputField, values: list[Json]) -> pd.Series:
        if isinstance(field, NumberField):
            return pd.Series([np.nan if v is None else float(v) for v in values], dtype="float64")
        if field.name in self.objects:
            absent = None if field.name in self.nones else np.nan
            return pd.Series([absent if v is None else v for v in values], dtype=object)
        if isinstance(field.categories[0], str):
            return pd.Series(values, dtype="str")
        if any(value is None for value in values):
            return pd.Series([np.nan if v is None else float(v) for v in values], dtype="float64")
        return pd.Series(values, dtype="int64")


def _refuse_other_order(frame: pd.DataFrame, fields: tuple[InputField, ...]) -> None:
    declared = [field.name for field in fields]
    given = [name for name in frame.columns if name in declared]
    if given != declared:
        raise FreezeRefused(
            "The model was fitted without column names, so it takes columns by position: the data "
            f"has them as {given}, the spec as {declared}.",
            advice="Declare the fields in the order that the model was fitted on, or fit on a "
            "DataFrame.",
        )


def propose_fields(frame: pd.DataFrame, *, most_codes: int = 20) -> tuple[InputField, ...]:
    """Return a proposal of fields for `frame`: a first draft, which the author must correct.

    Numbers get the unit `1` and the data's range; text, and whole numbers of at most two
    values, become category fields; a column with gaps allows missing values.
    """
    return tuple(_propose(str(name), frame[name], most_codes) for name in frame.columns)


def _propose(name: str, column: pd.Series, most_codes: int) -> InputField:
    missing: Missing = "allow" if column.isna().any() else "refuse"
    known = column.dropna()
    if pd.api.types.is_bool_dtype(column.dtype):
        raise FreezeRefused(
            f"The column {name!r} holds truth values.", advice="Turn them into codes and fit again."
        )
    if not pd.api.types.is_numeric_dtype(column.dtype):
        codes = tuple(sorted({str(value) for value in known}))
        if not 0 < len(codes) <= most_codes:
            raise FreezeRefused(
                f"The text column {name!r} holds {len(codes)} different values.",
                advice="Group them into codes, or leave the column out of the model.",
            )
        return CategoryField(name=name, categories=codes, missing=missing)
    whole = bool((known == known.round()).all())
    values = sorted({float(value) for value in known})
    if whole and len(values) == 2:
        return CategoryField(name=name, categories=tuple(map(int, values)), missing=missing)
    if len(values) < 2:
        raise FreezeRefused(
            f"The column {name!r} never changes.", advice="Leave it out of the model."
        )
    low, high = values[0], values[-1]
    return NumberField(name=name, unit="1", minimum=low, maximum=high, whole=whole, missing=missing)


def data_digest(frame: pd.DataFrame) -> str:
    """Return the digest of `frame` as CSV text: a header, then rows, numbers with 17 digits."""
    text = frame.to_csv(index=False, lineterminator="\n", float_format="%.17g")
    return digest(text.encode("utf-8"))


def describe_data(
    frame: pd.DataFrame, *, name: str, licence: str, consent_basis: str, origin: str
) -> DataSet:
    """Return how a package names a data set: with the digest and size of `frame`."""
    return DataSet(
        name=name,
        digest=data_digest(frame),
        rows=len(frame),
        licence=licence,
        consent_basis=consent_basis,
        origin=origin,
    )


def read_rows(path: Path, fields: tuple[InputField, ...]) -> pd.DataFrame:
    """Return the rows of a CSV file, each declared column with the type that its field declares.

    Raises:
        NotFound: there is no such file.
        FreezeRefused: not CSV in UTF-8, a line with more or fewer values than the header has
            names, a name that stands twice, or a value that is not of its field's type.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}.", advice="Give the path of a CSV file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            frame = _columns(csv.reader(stream, strict=True))
        for field in fields:
            if field.name in frame and not _holds_text(field):
                frame[field.name] = pd.to_numeric(frame[field.name])
    except (ValueError, csv.Error) as problem:
        raise FreezeRefused(
            f"{path.name} cannot be read as rows of the declared fields: {problem}.",
            advice="Give a CSV file in UTF-8 with a header; leave missing values empty.",
        ) from problem
    return frame


def _columns(lines: Iterator[list[str]]) -> pd.DataFrame:
    """Return the columns of a CSV file as text; ValueError where a line does not fit the header."""
    header = next(lines, [])
    if repeated := [name for name, times in Counter(header).items() if times > 1]:
        raise ValueError(f"its header has the name {repeated[0]!r} twice")
    rows = []
    for number, row in enumerate(lines, start=1):
        if row and len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} values for {len(header)} columns")
        if row:
            rows.append([value or None for value in row])
    return pd.DataFrame(rows, columns=header, dtype="str")


def _holds_text(field: InputField) -> bool:
    return isinstance(field, CategoryField) and isinstance(field.categories[0], str)
