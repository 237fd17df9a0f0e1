"""How the network sees a volume: whole, or window by window.

Source: MONAI 1.6, `monai.inferers.SimpleInferer`, `SlidingWindowInferer`.
"""

from __future__ import annotations

from typing import Final

from bedside.canonical import Json
from bedside.freezing.monai.components import Component, read_component
from bedside.freezing.monai.configuration import Configuration
from bedside.freezing.monai.transforms import declared
from bedside.package.volume_models import Inference, SlidingInference, WholeInference

INFERERS: Final = "monai.inferers"

WEIGHTS: Final = {"constant": "uniform", "gaussian": "gaussian"}
"""MONAI's names of how windows are blended, and a package's."""

SPEED: Final = (
    *("sw_batch_size", "sw_device", "device", "progress", "cache_roi_weight_map", "cpu_thresh"),
    *("buffer_steps", "buffer_dim", "with_coord"),
)
"""Arguments that change how fast an answer comes, and not the answer."""


def map_inference(configuration: Configuration) -> Inference:
    """Return how the network is run.

    Raises:
        FreezeRefused: an inferer that has no counterpart, or an argument of one; names it.
    """
    component = read_component(configuration, *_inferer(configuration), INFERERS)
    if component is None or component.name == "SimpleInferer":
        return WholeInference(shape=None)
    if component.name != "SlidingWindowInferer":
        raise component.refused(
            "is an inferer without a declared counterpart",
            "What maps: SimpleInferer, SlidingWindowInferer.",
        )
    return _sliding(component)


def _inferer(configuration: Configuration) -> tuple[Json, str]:
    """Return the inferer, and where it stands; without one MONAI's evaluator takes the simple one."""
    if configuration.has("inferer"):
        return configuration.entry("inferer"), "inferer"
    if configuration.has("evaluator"):
        evaluator = configuration.entry("evaluator")
        if isinstance(evaluator, dict) and "inferer" in evaluator:
            return evaluator["inferer"], "evaluator#inferer"
    return {"_target_": "SimpleInferer"}, "inferer"


def _sliding(component: Component) -> SlidingInference:
    component.ignore(*SPEED)
    component.demand("padding_mode", "constant")
    component.demand("roi_weight_map", None)
    component.demand("mode", "constant", "gaussian")
    made = declared(
        component,
        SlidingInference,
        patch=component.sides("roi_size"),
        overlap=_same(component, "overlap", 0.25),
        weights=WEIGHTS[component.text("mode", "constant")],
        sigma=_same(component, "sigma_scale", 0.125),
        pad=component.number("cval", 0.0),
    )
    component.done()
    return made


def _same(component: Component, name: str, default: float) -> float:
    """Return an argument that may be given for each axis, where all three are the same."""
    value = component.value(name, default)
    if isinstance(value, list) and value and all(one == value[0] for one in value):
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise component.strange(name, value, "one number for all axes")
    return float(value)
