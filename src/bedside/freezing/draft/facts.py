"""What can be seen without asking anybody: the model's own facts, a table's columns, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

NativeClass: TypeAlias = str | int | bool


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One input or output of a network.

    Attributes:
        name: Its name in the graph.
        element: Type of its elements, such as float32.
        shape: Its dimensions; text or None where a dimension is free.
    """

    name: str
    element: str
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model shows of itself; every part may be unknown.

    Attributes:
        file: Name of the model's file, from which a name is proposed.
        algorithm: Its class or the program that wrote it, for the draft's head.
        gives: Classes or a number; None where the model does not say.
        classes: The native classes (`classes_`), in the order of the model's columns.
        names: Names of the input columns that the model was fitted on, in order.
        columns: How many input columns it takes (`n_features_in_`).
        network: Whether it is a network, whose preprocessing and output must be declared.
        inputs: Inputs of a network, as far as its file says them.
        outputs: Outputs of a network.
    """

    file: str = ""
    algorithm: str = ""
    gives: Literal["classes", "number"] | None = None
    classes: tuple[NativeClass, ...] = ()
    names: tuple[str, ...] = ()
    columns: int | None = None
    network: bool = False
    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, as it was read.

    Attributes:
        name: Its name in the header.
        gaps: Empty cells.
        numbers: Cells that are finite numbers.
        span: The smallest and the largest number; None without any.
        whole: Whether every number is whole.
        values: The different texts of its cells, sorted; at most `table.MOST_CODES` + 1.
        odd: Some cells that are no numbers; at most `table.MOST_ODD`.
    """

    name: str
    gaps: int
    numbers: int
    span: tuple[Decimal, Decimal] | None
    whole: bool
    values: tuple[str, ...]
    odd: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table: where it lies, what tells it from others, and its columns."""

    file: str
    digest: str
    rows: int
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The pictures of a folder.

    Attributes:
        folder: Its name.
        digest: SHA-256 over the names and digests of its files, in the order of the names.
        pictures: How many files it holds.
        decoded: How many of them were decoded; the rest below is about these.
        refused: Files that are no picture that can be read, with the reason; the first few.
        media: Kinds of file: png, jpeg, dicom.
        modalities: Those that DICOM headers say.
        body_parts: The same.
        views: The same.
        unstated: Pictures that lack one of these three.
        rows: Fewest and most rows.
        columns: Fewest and most columns.
        colours: Pictures with red, green and blue.
        deep: Pictures with more than 256 possible grey values.
        elongated: Largest ratio of the longer side to the shorter one.
    """

    folder: str
    digest: str
    pictures: int
    decoded: int
    refused: tuple[str, ...]
    media: tuple[str, ...]
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    views: tuple[str, ...]
    unstated: int
    rows: tuple[int, int]
    columns: tuple[int, int]
    colours: int
    deep: int
    elongated: float
