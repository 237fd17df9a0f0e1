"""The input fields of a draft: types, ranges, codes and gaps proposed from the columns seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from bedside.freezing.draft.asked import ASKED
from bedside.freezing.draft.facts import Column, ModelFacts, TableFacts
from bedside.freezing.draft.ranges import proposed_range, written
from bedside.freezing.draft.table import MAX_CELL, MOST_CODES
from bedside.freezing.draft.toml import line, open_line, remark, text, texts


def field_lines(table: TableFacts | None, model: ModelFacts) -> Iterator[str]:
    """Yield a `[[fields]]` block for each input column that is known, or an empty example."""
    columns = {} if table is None else {column.name: column for column in table.columns}
    names = input_names(table, model)
    yield from _heading(table, model, names)
    for name in names:
        yield ""
        yield "[[fields]]"
        if table is None or name not in columns:
            yield from _unseen(name, "" if table is None else f"not a column of {table.file}")
        else:
            yield from _seen(columns[name], table)


def input_names(table: TableFacts | None, model: ModelFacts) -> Sequence[str]:
    """Return the names of the input fields, as far as they are known, in the model's order."""
    if model.names:
        return model.names
    if table is not None:
        return [column.name for column in table.columns]
    return [""] * (model.columns or 1)


def _heading(table: TableFacts | None, model: ModelFacts, names: Sequence[str]) -> Iterator[str]:
    yield remark("What the model takes: one block a field, in the order of the model's columns.")
    if table is None:
        yield remark("Give your rows with --data, and types, ranges and codes are proposed.")
        return
    left = [column.name for column in table.columns if column.name not in names]
    if left:
        told = f"Columns of {table.file} that the model does not take: {', '.join(left)}."
        yield remark(told)
    elif not model.names:
        yield remark(
            f"Every column of {table.file} stands here. Remove those that the model does not take: "
            "the answer itself, identifiers, dates."
        )
        if model.columns is not None and model.columns != len(names):
            yield remark(f"The model takes {model.columns} columns; {len(names)} stand here.")


def _unseen(name: str, why: str) -> Iterator[str]:
    yield open_line("kind", ASKED["fields[].kind"])
    yield line("name", text(name or "?"), why or ("" if name else ASKED["fields[].name"]))
    yield open_line("unit", f"for a number: {ASKED['fields[].unit']}")
    for end in ("minimum", "maximum"):
        yield open_line(end, f"for a number: {ASKED[f'fields[].{end}']}")
    yield open_line("missing", ASKED["fields[].missing"])
    yield remark(f'categories = ["…"]   for a category: {ASKED["fields[].categories"]}')


def _seen(column: Column, table: TableFacts) -> Iterator[str]:
    if column.gaps == table.rows:
        yield open_line("kind", "the column is empty in every row: leave it out of the model")
        yield line("name", text(column.name))
    elif column.span is not None and holds_numbers(column, table):
        yield from _numbers(column, column.span, table)
    else:
        yield from _codes(column, table, numeric=column.numbers == table.rows - column.gaps)


def holds_numbers(column: Column, table: TableFacts) -> bool:
    """Return whether a column is proposed as a number: nearly all cells are, and not two codes."""
    others = table.rows - column.gaps - column.numbers
    two = len(column.values) == 2 and all(one.lstrip("-").isdigit() for one in column.values)
    return column.numbers >= 4 * others and column.numbers > 0 and (others > 0 or not two)


def _from(table: TableFacts) -> str:
    return f"PROPOSED from {table.rows} rows:"


def _codes(column: Column, table: TableFacts, *, numeric: bool = False) -> Iterator[str]:
    if len(column.values) > MOST_CODES or any(len(one) > MAX_CELL for one in column.values):
        yield open_line(
            "kind",
            f"more than {MOST_CODES} different texts, or long ones, are no codes: group them, or "
            "leave the column out of the model",
        )
        yield line("name", text(column.name))
        return
    codes: list[str | int] = [int(one) if numeric else one for one in column.values]
    yield line("kind", text("category"), f"{_from(table)} {len(codes)} different values")
    yield line("name", text(column.name))
    yield line("categories", texts(codes), "PROPOSED; add the codes that may come and did not yet")
    if {one.casefold() for one in column.values} <= {"true", "false"}:
        yield remark("Truth values: turn them into codes such as no and yes, and fit again.")
    yield from _missing(column, table)
    yield line("unknown", text("refuse"), f"PROPOSED; {ASKED['fields[].unknown']}")
    yield from _description()


def _numbers(column: Column, span: tuple[Decimal, Decimal], table: TableFacts) -> Iterator[str]:
    lowest, highest = span
    low, high = proposed_range(lowest, highest, whole=column.whole)
    yield line("kind", text("number"), f"{_from(table)} {column.numbers} numbers")
    yield line("name", text(column.name))
    yield open_line("unit", ASKED["fields[].unit"])
    yield line("minimum", written(low), f"{_from(table)} the lowest is {written(lowest)}")
    yield line("maximum", written(high), f"{_from(table)} the highest is {written(highest)}")
    if column.whole:
        yield line("whole", "true", f"{_from(table)} no number has a fraction")
    if column.whole and len(column.values) <= MOST_CODES:
        yield remark(
            f"Only {len(column.values)} different values ({', '.join(column.values)}): if they are "
            "codes, make it a category."
        )
    if lowest == highest:
        yield remark("It never changes in these rows: should the model take it at all?")
    if others := table.rows - column.gaps - column.numbers:
        odd = ", ".join(repr(one) for one in column.odd)
        yield remark(
            f"Cells that are no numbers: {others} ({odd}). Leave a cell empty if it means a gap."
        )
    yield from _missing(column, table)
    yield remark(
        'conversions = [{ unit = "…", factor = 1.0 }]   other units; × factor gives `unit`'
    )
    yield from _description()


def _missing(column: Column, table: TableFacts) -> Iterator[str]:
    if column.gaps:
        told = f"{_from(table)} gaps: {column.gaps}; keep it only if the model was made for gaps"
        yield line("missing", text("allow"), told)
    else:
        yield line("missing", text("refuse"), f"{_from(table)} gaps: none")


def _description() -> Iterator[str]:
    yield remark('description = { en = "…" }   what the field means, for people')
