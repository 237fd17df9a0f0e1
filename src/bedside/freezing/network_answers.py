"""What a spec says of a network: which of its tensors is the answer, and what the numbers in it mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.package.fields import Frozen
from bedside.package.networks import Line
from bedside.package.outputs import BinaryOutput, NumberOutput, Output

Gives: TypeAlias = Literal["probabilities", "probability", "logits", "logit", "number"]
Place: TypeAlias = Annotated[int, Field(ge=0, lt=100_000)]


class NetworkAnswers(Frozen):
    """How to read what a network gives.

    Attributes:
        gives: `probabilities` (one column a class, they sum to 1), `probability` (of the positive
            class), `logits` (one a class, before softmax), `logit` (of the positive class, before
            the sigmoid), or `number`.
        input: Name of the input; None where there is only one.
        output: Name of the output; None where there is only one.
        column: The one column that is meant, counted from 0, of a network with several findings.
        columns: For each of `output.classes` the network's column; None where they agree.
        arguments: What the network's class is constructed with.
    """

    gives: Gives = Field(description="probabilities, probability, logits, logit or number")
    input: Line | None = None
    output: Line | None = None
    column: Place | None = None
    columns: Annotated[tuple[Place, ...] | None, Field(min_length=2)] = None
    arguments: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _picks_columns_in_one_way(self) -> Self:
        if self.columns is None:
            return self
        if self.column is not None:
            raise ValueError("network: state `column` or `columns`, not both")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError(f"network: a column stands twice in {list(self.columns)}")
        if self.gives not in ("probabilities", "logits"):
            raise ValueError(f"network: `columns` are for one column a class, not for {self.gives}")
        return self


def misfit(network: NetworkAnswers, output: Output) -> str:
    """Return why `network` cannot give `output`, or nothing where it can."""
    if isinstance(output, NumberOutput) is not (network.gives == "number"):
        return f"the output is of kind {output.kind}, and the network gives {network.gives}"
    if isinstance(output, NumberOutput):
        return ""
    if network.gives in ("probability", "logit") or network.column is not None:
        if isinstance(output, BinaryOutput):
            return ""
        return f"one column is no answer for the {len(output.classes)} classes of the output"
    if network.columns is not None and len(network.columns) != len(output.classes):
        return f"{len(network.columns)} columns are stated for {len(output.classes)} classes"
    return ""
