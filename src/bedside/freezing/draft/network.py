"""What a draft asks of a network: how its input is made, and what its output means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bedside.freezing.draft.asked import ASKED
from bedside.freezing.draft.facts import ModelFacts, TableFacts, TensorFacts
from bedside.freezing.draft.tabular import holds_numbers, input_names
from bedside.freezing.draft.toml import line, open_line, remark, text, texts


def network_lines(model: ModelFacts) -> Iterator[str]:
    """Yield `[network]`: what its numbers are, and which output or column is the answer."""
    yield remark(
        "What the network gives; probabilities are made of it, in the order of the classes."
    )
    yield "[network]"
    for told in (*map(_told, model.inputs), *map(_told, model.outputs)):
        yield remark(f"PROPOSED from the model: {told}")
    yield open_line("gives", ASKED["network.gives"])
    if len(model.outputs) > 1:
        names = ", ".join(one.name for one in model.outputs)
        yield open_line("output", f"{ASKED['network.output']}: {names}")
    yield remark(f"column = 0   {ASKED['network.column']}")


def matrix_lines(table: TableFacts | None, model: ModelFacts) -> Iterator[str]:
    """Yield `[[preprocessing]]`: how the fields become the columns of the network's input."""
    yield remark("How fields become the network's columns, in this order, as in training.")
    yield remark("docs/spec/package.md, section 5, lists every operation: impute, one_hot, …")
    names = input_names(table, model)
    numbers = [] if table is None else _numbers(table, names)
    yield "[[preprocessing]]"
    yield line("op", text("select_numbers"), "PROPOSED: the fields that are numbers")
    yield line("fields", texts(numbers) if numbers else texts(["?"]), "the fields, in order")
    yield line("output", text("numbers"), "a name for the columns that it makes")
    if len(numbers) < len(names):
        yield remark("Fields that are codes need one_hot or ordinal, and then concatenate.")
    yield ""
    yield "[[preprocessing]]"
    yield line("op", text("standardise"), "PROPOSED; remove this block if training did not")
    yield line("input", text("numbers"))
    yield line("centre", texts(["?"]), ASKED["preprocessing[].centre"])
    yield line("scale", texts(["?"]), ASKED["preprocessing[].scale"])
    yield line("output", text("scaled"))


def _numbers(table: TableFacts, names: Sequence[str]) -> list[str]:
    known = {one.name for one in table.columns if holds_numbers(one, table)}
    return [name for name in names if name in known]


def _told(tensor: TensorFacts) -> str:
    shape = " × ".join("?" if side is None else str(side) for side in tensor.shape)
    return f"{tensor.name}, {tensor.element}, {shape}"
