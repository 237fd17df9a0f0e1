"""A PyTorch network as a source."""

from __future__ import annotations

from functools import partial

import numpy as np
import onnx

from bedside.freezing.libraries import RUNNING, versions
from bedside.freezing.network_answers import NetworkAnswers
from bedside.freezing.pytorch.installed import check_torch
from bedside.freezing.pytorch.module import LoadedModule, module_in_memory
from bedside.freezing.pytorch.source import translate_module
from bedside.freezing.spec import Spec
from bedside.freezing.tensors import TensorModel, Tensors, TensorSource


def module_source(model: object, spec: Spec) -> TensorSource:
    """Return a `torch.nn.Module` in memory as a source; the author's own stays as it is.

    Raises:
        UsageError: it is no module, or the spec does not say what the network gives.
        FreezeRefused: it cannot be copied to the CPU.
    """
    check_torch()
    return loaded_source(module_in_memory(model), spec)  # type: ignore[arg-type]  # it looks itself


def loaded_source(loaded: LoadedModule, spec: Spec) -> TensorSource:
    """Return a network with its weights as a source."""
    name = loaded.name.rsplit(".", 1)[-1]
    return TensorSource(partial(_opened, loaded), name, spec)


def _opened(loaded: LoadedModule, example: Tensors, answers: NetworkAnswers) -> TensorModel:
    output = answers.output
    chosen = int(output) if output is not None and output.isdecimal() else output
    made = translate_module(loaded, example.astype(np.float32), output=chosen)
    network = made.network
    return TensorModel(
        graph=onnx.load_model_from_string(network.onnx),
        input=network.input,
        element="float32",
        shape=example.shape[1:],
        output=network.output,
        columns=network.columns,
        native=lambda rows: made.native(rows.astype(np.float32)),
        algorithm=made.native.algorithm,
        parameters=made.native.parameters,
        libraries={**versions(RUNNING, "torch"), **check_torch()},
        notes=made.notes,
    )
