"""Loads a network into ONNX Runtime under exactly the declared conditions, whatever it takes.

Source of the options: onnxruntime.ai/docs/api/python (SessionOptions).
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from bedside.errors import PackageDamaged, PackageRefused
from bedside.package.manifest import Conditions
from bedside.package.networks import Network
from bedside.package.volume_models import VolumeModel
from bedside.runtime.deadline import watchdog
from bedside.runtime.memory import asked_too_much, bound_memory, too_much_asked
from bedside.runtime.onnx_wire import read_opset

ELEMENTS: Final = {
    "float32": ("tensor(float)", np.float32),
    "float64": ("tensor(double)", np.float64),
}
ORT_ERRORS: Final = (
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.ModelLoaded,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""ONNX Runtime's errors share no base class but Exception."""

_FATAL_ONLY: Final = 4

LOAD_SECONDS: Final = 300.0
"""Longest time for loading; forests of some thousand trees take several seconds."""


def loaded(network: bytes, model: Network, conditions: Conditions) -> ort.InferenceSession:
    """Return `network`, loaded; what goes in and comes out is checked by whoever runs it.

    Raises:
        PackageDamaged: the network is not what the manifest declares, or does not load.
        PackageRefused: loading takes more memory or longer than it may.
    """
    if (opset := read_opset(network)) != model.opset:
        raise PackageDamaged(
            f"The network imports the operator sets {opset}; the manifest says {model.opset}."
        )
    options = _options(conditions)
    # a pattern is one block beside the pieces of the first run: a second head would take it twice
    options.enable_mem_pattern = not isinstance(model, VolumeModel)
    watch = watchdog().begin(partial(options.set_load_cancellation_flag, True), LOAD_SECONDS)
    try:
        return ort.InferenceSession(
            network,
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,  # or a failure prints, and builds a second session
        )
    except ORT_ERRORS as problem:
        if asked_too_much(problem):
            raise too_much_asked() from problem
        if watch.late:
            raise too_slow("load", LOAD_SECONDS) from problem
        raise PackageDamaged(
            f"ONNX Runtime {ort.__version__} does not load {model.entry!r}: {str(problem)[:300]}",
            advice="Freeze the model again.",
        ) from problem
    finally:
        watchdog().end(watch)


def too_slow(what: str, seconds: float) -> PackageRefused:
    """Return the refusal of a network that took too long to `what`."""
    return PackageRefused(
        f"The network took longer than {seconds:g} s to {what}, and was stopped.",
        advice="Do not use a network that you did not expect to be so slow; send fewer inputs at "
        "once, or freeze a smaller one.",
    )


def _options(conditions: Conditions) -> ort.SessionOptions:
    levels = {
        "disabled": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
        "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }
    options = ort.SessionOptions()
    options.graph_optimization_level = levels[conditions.graph_optimisation]
    options.intra_op_num_threads = conditions.threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.load_model_format", "ONNX")
    bound_memory(options)
    return options
