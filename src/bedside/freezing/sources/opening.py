"""Which kind of model an object in memory is; each kind's libraries are imported only for it."""

from __future__ import annotations

from pathlib import Path

from bedside.errors import UsageError
from bedside.freezing.sources.source import Source
from bedside.freezing.spec import Spec

KINDS = (
    "Pass a fitted scikit-learn model, a torch.nn.Module, an onnx.ModelProto, the bytes of an "
    "ONNX file, or its path."
)


def open_source(model: object, spec: Spec) -> Source:
    """Return `model` as a source.

    Raises:
        UsageError: an object of no kind that can be frozen, or a file that only
            `freeze_file` reads.
        NotFound: a path where there is no file.
        FreezeRefused: the model cannot be frozen as it is.
    """
    if isinstance(model, str | Path):
        return _open_path(Path(model), spec)
    kinds = [f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(model).__mro__]
    if isinstance(model, bytes) or "onnx.ModelProto" in kinds:
        from bedside.freezing.sources.onnx_file import (  # noqa: PLC0415 - imports onnx
            onnx_in_memory,
            onnx_source,
        )

        return onnx_source(onnx_in_memory(model), spec)
    if "torch.Module" in kinds:
        from bedside.freezing.sources.module import module_source  # noqa: PLC0415 - imports torch

        return module_source(model, spec)
    if isinstance(model, type) or not hasattr(model, "get_params"):
        raise UsageError(f"The model is a {type(model).__name__}.", advice=KINDS)
    from bedside.freezing.sources.estimator import EstimatorSource  # noqa: PLC0415 - scikit-learn

    return EstimatorSource(model, spec)


def _open_path(path: Path, spec: Spec) -> Source:
    if path.suffix.lower() != ".onnx":
        raise UsageError(
            f"{path.name!r} is no .onnx file: reading it may run code.",
            advice="Use bedside.freeze_file(…), which reads it in a process apart.",
        )
    from bedside.freezing.sources.onnx_file import onnx_source, read_onnx  # noqa: PLC0415

    return onnx_source(read_onnx(path), spec)
