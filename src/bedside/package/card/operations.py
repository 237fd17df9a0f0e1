"""One declared operation in words; what it computes exactly is `docs/spec/package.md`, section 5."""

from __future__ import annotations

from bedside.package.card.volumes import volume_values
from bedside.package.card.words.speaker import Speaker, number
from bedside.package.image_operations import (
    CropCentre,
    FixedWindow,
    Normalise,
    PadSquare,
    PercentileWindow,
    Resize,
    ResizeShorter,
)
from bedside.package.operations import (
    Concatenate,
    Impute,
    OneHot,
    Ordinal,
    Rescale,
    SelectNumbers,
    Standardise,
    TakeColumns,
)
from bedside.package.preprocessing import AnyOperation
from bedside.package.volume_operations import VolumeOperation


def operation_in_words(operation: AnyOperation, say: Speaker) -> str:
    """Return what an operation does to its input, in one sentence."""
    key = f"op-{operation.op}"
    if isinstance(operation, Impute) and operation.indicators:
        key += "-indicators"
    if isinstance(operation, Rescale) and operation.clip is not None:
        key += "-clip"
    if isinstance(operation, VolumeOperation):
        return say(key, **volume_values(operation, say))
    return say(key, **_table_values(operation, say), **_picture_values(operation, say))


def _table_values(operation: AnyOperation, say: Speaker) -> dict[str, object]:
    values: dict[str, object] = {}
    match operation:
        case SelectNumbers() | OneHot() | Ordinal():
            values = {"fields": say.listed(operation.fields)}
        case Impute():
            values = {"count": len(operation.values), "indicators": len(operation.indicators)}
        case Standardise():
            values = {"count": len(operation.centre)}
        case Rescale():
            low, high = map(number, operation.clip or (0.0, 0.0))
            values = {"count": len(operation.factor), "low": low, "high": high}
        case TakeColumns():
            values = {"count": len(operation.columns)}
        case Concatenate():
            values = {"count": len(operation.inputs)}
    return values


def _picture_values(operation: AnyOperation, say: Speaker) -> dict[str, object]:
    values: dict[str, object] = {}
    match operation:
        case FixedWindow():
            values = {"centre": number(operation.centre), "width": number(operation.width)}
        case PercentileWindow():
            values = {"low": number(operation.low), "high": number(operation.high)}
        case PadSquare():
            values = {"value": number(operation.value)}
        case Resize():
            size = {"rows": operation.rows, "columns": operation.columns}
            values = {**size, "filter": operation.filter}
        case ResizeShorter():
            values = {"side": operation.side, "filter": operation.filter}
        case CropCentre():
            values = {"rows": operation.rows, "columns": operation.columns}
        case Normalise():
            values = {
                "mean": say.listed(map(number, operation.mean)),
                "deviation": say.listed(map(number, operation.deviation)),
            }
    return values
