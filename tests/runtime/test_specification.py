"""The evaluator in `runtime` against a second one, written from docs/spec/package.md alone."""

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bedside.canonical import Json
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.package.operations import Operation
from bedside.package.widths import block_widths
from bedside.runtime.gate import Gate
from bedside.runtime.preprocess import Preprocess

DECLARED = TabularInput(
    fields=(
        *(
            NumberField(name=n, unit="1", minimum=-1e6, maximum=1e6, missing="allow")
            for n in ("a", "b", "c")
        ),
        *(
            CategoryField(name=n, categories=("x", "y", "z"), missing="allow", unknown="allow")
            for n in ("p", "q")
        ),
    )
)
CODES = ("x", "y", "z", "stranger", None)
OPERATIONS: TypeAdapter[tuple[Operation, ...]] = TypeAdapter(tuple[Operation, ...])


def match(code: str | None, known: list[str | None]) -> int | None:
    return known.index(code) if code in known else None


def by_the_text(operations: list[dict[str, Json]], row: dict[str, Json]) -> list[float]:
    """Section 5 of the specification, one row at a time, in plain Python floats."""
    blocks: dict[str, list[float]] = {}
    for one in operations:
        x = blocks[one["input"]] if "input" in one else []
        y: list[float] = []
        if one["op"] == "select_numbers":
            y = [math.nan if row[n] is None else float(row[n]) for n in one["fields"]]
        elif one["op"] == "standardise":
            y = [(v - c) / s for v, c, s in zip(x, one["centre"], one["scale"], strict=True)]
        elif one["op"] == "rescale":
            y = [v * f + o for v, f, o in zip(x, one["factor"], one["offset"], strict=True)]
            if one["clip"]:
                low, high = one["clip"]
                y = [low if v < low else high if v > high else v for v in y]
        elif one["op"] == "impute":
            y = [f if math.isnan(v) else v for v, f in zip(x, one["values"], strict=True)]
            y += [1.0 if math.isnan(x[i]) else 0.0 for i in one["indicators"]]
        elif one["op"] == "take_columns":
            y = [x[j] for j in one["columns"]]
        elif one["op"] == "concatenate":
            y = [v for name in one["inputs"] for v in blocks[name]]
        else:
            y = coded(one, row)
        blocks[one["output"]] = y
    return blocks[operations[-1]["output"]]


def coded(one: dict[str, Json], row: dict[str, Json]) -> list[float]:
    y: list[float] = []
    for i, name in enumerate(one["fields"]):
        code = one["fill"][i] if row[name] is None else row[name]
        found = match(code, one["categories"][i])
        if one["op"] == "one_hot":
            hot = [1.0 if j == found else 0.0 for j in range(len(one["categories"][i]))]
            y += [v for j, v in enumerate(hot) if j != one["drop"][i]]
        else:
            number = one["missing"][i] if code is None else one["unknown"][i]
            number = math.nan if number is None else number
            y.append(number if found is None else float(found))
    return y


numbers = st.floats(-1e6, 1e6)


@st.composite
def programs(draw: st.DrawFn) -> list[dict[str, Json]]:
    """Draw operations that fit together, with the widths counted by hand."""
    names = draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))
    program: list[dict[str, Json]] = [{"op": "select_numbers", "fields": names, "output": "b0"}]
    widths = {"b0": len(names)}
    for position in range(1, draw(st.integers(1, 7))):
        source = draw(st.sampled_from(sorted(widths)))
        one, width = draw(one_operation(source, widths))
        widths[f"b{position}"] = width
        program.append({**one, "output": f"b{position}"})
    return program


@st.composite
def one_operation(
    draw: st.DrawFn, source: str, widths: dict[str, int]
) -> tuple[dict[str, Json], int]:
    width = widths[source]

    def column() -> list[float]:
        return draw(st.lists(numbers, min_size=width, max_size=width))

    places = st.lists(st.integers(0, width - 1), min_size=1, max_size=4)
    op = draw(st.sampled_from(["standardise", "rescale", "impute", "take", "concatenate", "codes"]))
    if op == "standardise":
        scale = [value or 1.0 for value in column()]
        return {"op": op, "input": source, "centre": column(), "scale": scale}, width
    if op == "rescale":
        clip = draw(st.none() | st.lists(numbers, min_size=2, max_size=2).map(sorted))
        one = {"op": op, "input": source, "factor": column(), "offset": column(), "clip": clip}
        return one, width
    if op == "impute":
        marks = draw(places)
        return {"op": op, "input": source, "values": column(), "indicators": marks}, width + len(
            marks
        )
    if op == "take":
        columns = draw(places)
        return {"op": "take_columns", "input": source, "columns": columns}, len(columns)
    if op == "concatenate":
        blocks = draw(st.lists(st.sampled_from(sorted(widths)), min_size=1, max_size=3))
        return {"op": op, "inputs": blocks}, sum(widths[name] for name in blocks)
    return draw(one_coding())


@st.composite
def one_coding(draw: st.DrawFn) -> tuple[dict[str, Json], int]:
    fields = draw(st.lists(st.sampled_from("pq"), min_size=1, unique=True))
    known = [draw(st.lists(st.sampled_from(CODES), min_size=2, unique=True)) for _ in fields]
    fill = [draw(st.sampled_from(CODES)) for _ in fields]
    shared = {"fields": fields, "categories": known, "fill": fill}
    if draw(st.booleans()):
        gaps = [draw(st.none() | numbers) for _ in range(2 * len(fields))]
        one = {"op": "ordinal", "unknown": gaps[: len(fields)], "missing": gaps[len(fields) :]}
        return {**one, **shared}, len(fields)
    drop = [draw(st.integers(-1, len(codes) - 1)) for codes in known]
    width = sum(map(len, known)) - sum(place >= 0 for place in drop)
    return {"op": "one_hot", "drop": drop, **shared}, width


rows = st.fixed_dictionaries(
    {
        **{name: st.none() | numbers for name in "abc"},
        **{name: st.sampled_from(CODES) for name in "pq"},
    }
)


@given(programs(), st.lists(rows, min_size=1, max_size=4))
def test_any_operations_give_what_the_text_says_to_the_last_bit(
    program: list[dict[str, Json]], given_rows: list[dict[str, Json]]
) -> None:
    operations = OPERATIONS.validate_json(json.dumps(program))
    found = Preprocess(DECLARED, operations)(Gate(DECLARED).check(given_rows))
    wanted = np.array([by_the_text(program, row) for row in given_rows])
    np.testing.assert_array_equal(found, wanted)
    assert found.shape[1] == block_widths(DECLARED, operations)[operations[-1].output]
