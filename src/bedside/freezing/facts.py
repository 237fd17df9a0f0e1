"""What a model shows of itself before it is frozen: proposals for the draft of a spec."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bedside.canonical import canonical_bytes
from bedside.errors import PackageDamaged
from bedside.freezing.draft.facts import ModelFacts, TensorFacts


def facts_of_onnx(path: Path) -> ModelFacts:
    """Return the inputs and outputs of an ONNX file.

    Raises:
        FreezeRefused: it is no ONNX that a package may hold.
    """
    from bedside.freezing.sources.onnx_file import read_onnx  # noqa: PLC0415 - imports onnx

    graph = read_onnx(path).model.graph
    weights = {one.name for one in graph.initializer}
    return ModelFacts(
        file=path.name,
        algorithm="ONNX",
        network=True,
        inputs=tuple(_tensor(one) for one in graph.input if one.name not in weights),
        outputs=tuple(_tensor(one) for one in graph.output),
    )


def _tensor(value: object) -> TensorFacts:
    import onnx  # noqa: PLC0415 - only where it was asked for

    assert isinstance(value, onnx.ValueInfoProto)  # noqa: S101 - inputs and outputs are
    kind = value.type.tensor_type
    names = onnx.TensorProto.DataType.Name(kind.elem_type).lower() if kind.elem_type else "none"
    sides = tuple(
        one.dim_value if one.HasField("dim_value") else (one.dim_param or None)
        for one in kind.shape.dim
    )
    return TensorFacts(
        value.name, {"float": "float32", "double": "float64"}.get(names, names), sides
    )


def facts_of_estimator(model: object, file: str) -> ModelFacts:
    """Return the classes and columns of a fitted scikit-learn model."""
    from bedside.freezing.lineage import public_name  # noqa: PLC0415 - not for networks

    classes = getattr(model, "classes_", None)
    plain = tuple(np.asarray(classes).tolist()) if isinstance(classes, np.ndarray) else ()
    names = getattr(model, "feature_names_in_", ())
    columns = getattr(model, "n_features_in_", None)
    return ModelFacts(
        file=file,
        algorithm=public_name(type(model)),
        gives="classes" if plain else "number",
        classes=tuple(one if isinstance(one, str | int | bool) else str(one) for one in plain),
        names=tuple(map(str, names)),
        columns=columns if isinstance(columns, int) else None,
    )


def write_facts(facts: ModelFacts, path: Path) -> None:
    """Write facts for another process."""
    path.write_bytes(canonical_bytes(asdict(facts)))


def read_facts(path: Path) -> ModelFacts:
    """Return the facts that `write_facts` wrote.

    Raises:
        PackageDamaged: it wrote something else.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        tensors = {
            side: tuple(TensorFacts(**{**one, "shape": tuple(one["shape"])}) for one in told[side])
            for side in ("inputs", "outputs")
        }
        lists = {name: tuple(told[name]) for name in ("classes", "names")}
        return ModelFacts(**{**told, **tensors, **lists})
    except (ValueError, KeyError, TypeError) as problem:
        raise PackageDamaged("What the model shows of itself cannot be read.") from problem
